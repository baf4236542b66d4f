"""A finished run on its own or other test sets: `python -m experiments.evaluate RUN_DIR [--data emodb --root …]`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf, open_dict

from datamodules.datamodule import ChunkDataModule
from datamodules.errors import DataError
from datamodules.preparation import prepare
from datamodules.samplers import NaturalSentence
from experiments.assembly import make_sets
from experiments.console import user_errors
from experiments.evaluation import evaluate_sets, is_test_set, show
from experiments.instantiation import build
from experiments.loading import load_trained
from experiments.logs import log_to_console
from experiments.memory import keep_freed_memory
from experiments.run import CONF
from experiments.run_directory import write_json


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m experiments.evaluate", description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN_DIR")
    parser.add_argument("--data", help="a corpus of conf/data (default: the run's own)")
    parser.add_argument("--root", help="where that corpus lies")
    options = parser.parse_args(arguments)
    log_to_console()
    keep_freed_memory()
    with user_errors():
        metrics, directory = evaluate(options.run, options.data, options.root)
        show(metrics, directory)


def evaluate(run: Path, data: str | None = None, root: str | None = None) -> tuple[dict[str, Any], Path]:
    """Evaluate a run's best model; writes metrics.json and predictions into RUN_DIR/evaluations/<data>/."""
    config = run / "config.yaml"
    if not config.exists():
        raise DataError(f"{run}: no config.yaml in this folder; give the directory of a run.")
    cfg = OmegaConf.load(config)
    assert isinstance(cfg, DictConfig)
    trained = load_trained(run)
    node = _data_node(cfg, data, root)
    corpus = build(node.corpus)
    front_end = trained.front_end
    corpus, store = prepare(
        corpus, front_end.features, Path(cfg.store_root), node.max_bad_files, chunks=front_end.chunks
    )
    tests = [split for split in corpus.splits() if is_test_set(split)]
    if not tests:
        raise DataError(f"{corpus.root}: {corpus.name} has no test set; check the split names of its label table.")
    datamodule = ChunkDataModule(
        make_sets(corpus, store, front_end, trained.model.attributes, tests),
        front_end,
        passes=(),
        sampler=NaturalSentence,
        batch_size=1,
        seed=0,
    )
    directory = run / "evaluations" / node.name
    directory.mkdir(parents=True, exist_ok=True)
    trained_on = _trained_on(run)
    metrics = {
        "corpus": {
            "name": corpus.name,
            "version": corpus.version,
            "labels": corpus.label_kind,
            "labeled": trained_on["labeled"],
            "unlabeled": trained_on["unlabeled"],
        },
        "trained_on": trained_on,
        "model": cfg.model.name,
        "attribute": cfg.attribute,
        "seed": cfg.seed,
        "test": evaluate_sets(trained.model, datamodule, tests, directory),
    }
    write_json(directory / "metrics.json", metrics)
    return metrics, directory


def _data_node(cfg: DictConfig, data: str | None, root: str | None) -> DictConfig:
    """The run's own corpus, or another of conf/data; `root` moves either."""
    if data is None or data == cfg.data.name:
        node = cfg.data
        if root is not None:
            with open_dict(node):
                node.corpus.root = root
        return node
    overrides = [f"data={data}", f"store_root={cfg.store_root}"] + ([f"data.root={root}"] if root else [])
    with initialize_config_dir(CONF, version_base="1.3"):
        composed = compose("config", overrides=overrides)
    return composed.data


def _trained_on(run: Path) -> dict[str, Any]:
    import json

    path = run / "metrics.json"
    if not path.exists():
        raise DataError(f"{run}: the run is not done, it has no metrics.json; run its command again to finish it.")
    corpus: dict[str, Any] = json.loads(path.read_text())["corpus"]
    return corpus


if __name__ == "__main__":
    main()
