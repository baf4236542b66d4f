"""One run, from a config to metrics.json: new, resumed, or already done."""

import logging
import os
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.trainer.states import TrainerStatus

from datamodules.batch import LABELED, UNLABELED
from datamodules.corpora.corpus import Corpus
from datamodules.processes import from_first, rank, world_size
from experiments.assembly import make_datamodule, make_model, make_trainer
from experiments.console import USER_ERRORS
from experiments.data import data_fingerprint, extract, read_corpora
from experiments.disk import refuse_full_disk
from experiments.environment import describe_environment
from experiments.evaluation import evaluate_sets, is_test_set
from experiments.identity import outcome, run_name
from experiments.loading import read_checkpoint
from experiments.loggers import log_scores, open_loggers
from experiments.logs import log_to_file
from experiments.memory import keep_freed_memory
from experiments.options import check_options
from experiments.parallel import data_digest, join_processes, refuse_unlike
from experiments.run_directory import RunDirectory
from experiments.telling import tell

log = logging.getLogger(__name__)


def train(cfg: DictConfig, overrides: list[str]) -> tuple[dict[str, Any], Path]:
    """Train and evaluate one run, or return what it left; (metrics, directory).

    The same command again: a finished run returns its result, a partial one goes on after its last completed
    pass. `overwrite=true` starts anew. Raises DataError and ConfigurationError for a user's mistakes,
    KeyboardInterrupt when interrupted; any failure leaves its reason in `FAILED`.
    """
    check_options(cfg)
    join_processes(cfg.trainer.accelerator, cfg.trainer.devices * cfg.trainer.num_nodes)
    make_paths_absolute(cfg)
    corpus, pool = read_corpora(cfg)
    decides = outcome(cfg, data_fingerprint(corpus, pool))
    directory = RunDirectory(Path(cfg.run_root) / run_name(cfg, decides))
    refuse_unlike(directory.path.name)
    first = rank() == 0
    with directory.lock() if first else nullcontext():
        if first:  # and not before: until then it may be another process's
            tell(directory=str(directory.path.resolve()))
        if from_first(lambda: _already_done(directory, cfg.overwrite)):
            log.info("%s is done; overwrite=true would train it anew", directory.path)
            return directory.read_json("metrics.json") or {}, directory.path
        with log_to_file(directory.path / "run.log"):
            try:
                metrics = _train(cfg, overrides, corpus, pool, decides, directory)
            except KeyboardInterrupt:
                log.info("interrupted; the same command goes on after the last completed pass")
                raise
            except USER_ERRORS as error:
                directory.mark_failed(str(error))
                raise
            except BaseException as error:
                directory.mark_failed(f"{type(error).__name__}: {error}")
                log.exception("the run failed")
                raise
        return metrics, directory.path


def _already_done(directory: RunDirectory, overwrite: bool) -> bool:
    """Whether there is nothing left to do; else an earlier failure is no longer the state of things."""
    if overwrite:
        directory.clear()
    if not directory.done:
        directory.begin()
    return directory.done


def make_paths_absolute(cfg: DictConfig) -> None:
    """So that the run's config.yaml names the same data wherever `evaluate` is started."""
    for node, name in ((cfg, "store_root"), (cfg.data, "root"), (cfg.data, "unlabeled_dir")):
        if not OmegaConf.is_missing(node, name) and node[name] is not None:
            node[name] = os.path.abspath(os.path.expanduser(str(node[name])))


def _train(
    cfg: DictConfig,
    overrides: list[str],
    corpus: Corpus,
    pool: Corpus | None,
    decides: dict[str, Any],
    directory: RunDirectory,
) -> dict[str, Any]:
    first = rank() == 0
    partial = from_first(lambda: directory.partial)
    environment = directory.read_json("environment.json") if partial else None
    threads = environment["threads"] if environment else cfg.trainer.threads or torch.get_num_threads()
    # The number of threads decides the order of sums, so a resumed run takes the number it began with.
    torch.set_num_threads(threads)
    if cfg.trainer.accelerator == "cpu":
        keep_freed_memory()
    environment = environment or describe_environment(threads)
    if first:
        directory.write_json("environment.json", environment)
        (directory.path / "config.yaml").write_text(OmegaConf.to_yaml(cfg, resolve=True))
        (directory.path / "overrides.yaml").write_text(OmegaConf.to_yaml(overrides))
        directory.write_json("outcome.json", decides)
    started, before = time.perf_counter(), environment["seconds"]
    try:
        if world_size() > 1:  # one extracts, with a progress bar, and then all find everything there
            from_first(lambda: extract(cfg, corpus, pool) is None)
        data = extract(cfg, corpus, pool, progress=first)
        datamodule = make_datamodule(cfg, data)
        # Again: what could not be extracted was left out by each machine for itself.
        refuse_unlike(data_digest(datamodule))
        model = make_model(cfg, datamodule.front_end)
        refuse_full_disk(directory.path, model)
        log.info(
            "%s: %d passes over %s, %d parameters, %d threads",
            directory.path.name,
            len(datamodule.passes),
            ", ".join(f"{name} ({len(one)})" for name, one in datamodule.sets.items() if name in (LABELED, UNLABELED)),
            sum(parameter.numel() for parameter in model.parameters()),
            threads,
        )
        with open_loggers(cfg, directory, decides) as loggers:
            trainer = make_trainer(cfg, model, datamodule.passes, directory.path, loggers)
            resume = str(directory.last) if partial else None
            if resume:
                read_checkpoint(directory.last)  # a damaged one is told in a sentence
                log.info("going on after the last completed pass, from %s", resume)
            _fit(trainer, model, datamodule, resume)
            model.to(trainer.strategy.root_device)  # Lightning brings a model back to the CPU when it is done
            # The best model is the run's result, not the last one; weights only, the rest was for resuming.
            model.load_state_dict(read_checkpoint(directory.best)["state_dict"])
            metrics = {
                "corpus": {
                    "name": data.corpus.name,
                    "version": data.corpus.version,
                    "labels": data.corpus.label_kind,
                    "labeled": len(datamodule.sets[LABELED]),
                    "unlabeled": len(datamodule.sets[UNLABELED]) if UNLABELED in datamodule.sets else 0,
                },
                "model": cfg.model.name,
                "attribute": cfg.attribute,
                "seed": cfg.seed,
                "validation": evaluate_sets(model, datamodule, ["development"], directory.path)["development"],
                "test": evaluate_sets(
                    model, datamodule, [n for n in datamodule.sets if is_test_set(n)], directory.path
                ),
            }
            log_scores(loggers, metrics)
    finally:
        environment["seconds"] = round(before + time.perf_counter() - started, 1)
        if first:
            directory.write_json("environment.json", environment)
    if first:
        directory.write_json("metrics.json", metrics)
        directory.mark_done()
    return metrics


def _fit(trainer: Any, model: Any, datamodule: Any, resume: str | None) -> None:
    """Train; an interruption comes back as KeyboardInterrupt, whichever way Lightning chose to end."""
    try:
        trainer.fit(model, datamodule=datamodule, ckpt_path=resume, weights_only=True)
    except SystemExit as error:
        if trainer.state.status == TrainerStatus.INTERRUPTED:
            raise KeyboardInterrupt from error
        raise
    if trainer.state.status == TrainerStatus.INTERRUPTED:
        raise KeyboardInterrupt
