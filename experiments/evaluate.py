"""A finished run on its own or other test sets: `python -m experiments.evaluate RUN_DIR [--data emodb --root …]`."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from datamodules.corpora.corpus import Corpus
from datamodules.datamodule import ChunkDataModule
from datamodules.errors import DataError
from datamodules.preparation import prepare
from datamodules.samplers import NaturalSentence
from experiments import CONF
from experiments.assembly import make_sets
from experiments.console import user_errors
from experiments.evaluation import evaluate_sets, is_test_set, show
from experiments.instantiation import build
from experiments.loading import load_trained
from experiments.logs import log_to_console
from experiments.memory import keep_freed_memory
from experiments.run_directory import RunDirectory, write_json


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
    """Evaluate a run's best model; writes metrics.json and predictions into RUN_DIR/evaluations/<data>/.

    Raises DataError for a run that is not done, an unknown corpus, or one without a test set.
    """
    directory = RunDirectory(run)
    own = directory.read_json("metrics.json")
    if own is None or not directory.done:
        raise DataError(f"{run}: is not the directory of a finished run; run its command (again) to finish it.")
    cfg = OmegaConf.load(run / "config.yaml")
    assert isinstance(cfg, DictConfig)
    trained = load_trained(run)
    node = _data_node(cfg, data, root)
    front_end = trained.front_end
    corpus: Corpus = build(node.corpus)
    tests = [split for split in corpus.splits() if is_test_set(split)]
    if not tests:
        raise DataError(f"{corpus.root}: {corpus.name} has no test set; check the split names of its label table.")
    # Only what is evaluated is extracted.
    corpus = replace(corpus, table=corpus.table[corpus.table["split"].isin(tests)].reset_index(drop=True))
    corpus, store = prepare(
        corpus,
        front_end.features,
        Path(cfg.store_root),
        node.max_bad_files,
        node.get("workers"),
        chunks=front_end.chunks,
    )
    datamodule = ChunkDataModule(
        make_sets(corpus, store, front_end, trained.model.attributes, tests),
        front_end,
        passes=(),
        sampler=NaturalSentence,
        batch_size=1,
        seed=0,
    )
    folder = run / "evaluations" / node.name
    folder.mkdir(parents=True, exist_ok=True)
    metrics = {
        "corpus": {"name": corpus.name, "version": corpus.version, "labels": corpus.label_kind},
        "trained_on": own["corpus"],
        "model": own["model"],
        "attribute": own["attribute"],
        "seed": own["seed"],
        "test": evaluate_sets(trained.model, datamodule, tests, folder),
    }
    write_json(folder / "metrics.json", metrics)
    return metrics, folder


def _data_node(cfg: DictConfig, data: str | None, root: str | None) -> DictConfig:
    """The run's own corpus; with `data` or `root`, a corpus of conf/data as it is there."""
    if data is None and root is None:
        return cfg.data
    name = data or cfg.data.name
    known = sorted(path.stem for path in (CONF / "data").glob("*.yaml"))
    if name not in known:
        raise DataError(f"--data {name}: there is no such corpus; take one of {', '.join(known)}.")
    with initialize_config_dir(str(CONF), version_base="1.3"):
        node: DictConfig = compose("config", overrides=[f"data={name}"]).data
    if root is not None:
        node.root = root
    elif OmegaConf.is_missing(node, "root"):
        raise DataError(f"--data {name}: give the folder of the corpus with --root.")
    # The node refers to knobs outside itself, such as store_root.
    cfg.data = node
    return cfg.data


if __name__ == "__main__":
    main()
