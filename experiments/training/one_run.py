"""One run, from its plan to metrics.json: new, resumed, or already done."""

import logging
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import yaml
from pytorch_lightning.trainer.states import TrainerStatus

from datamodules.allocator import keep_freed_memory
from datamodules.batch import LABELED, UNLABELED
from datamodules.errors import DataError
from datamodules.fingerprint import data_fingerprint, sets_digest
from datamodules.processes import from_first, rank, world_size
from datamodules.sets import is_test_set
from experiments.config.contradictions import MOST_THREADS
from experiments.config.identity import outcome, run_name
from experiments.config.plan import RunPlan
from experiments.console.log_lines import log_to_file
from experiments.console.report_file import report
from experiments.console.user_errors import sentence_of
from experiments.results.loading import read_checkpoint
from experiments.results.metrics import Metrics
from experiments.results.run_result import REMEDY, RunResult, run_hash
from experiments.results.scoring import score_sets
from experiments.training.begun import Begun
from experiments.training.bf16 import warn_of_slow_bf16
from experiments.training.data import (
    PreparedData,
    extract,
    fitted_task,
    make_datamodule,
    read_corpora,
    teaching,
    training_set,
)
from experiments.training.disk import refuse_full_disk
from experiments.training.environment import describe_environment
from experiments.training.joining import join_processes, refuse_unlike
from experiments.training.left_behind import LeftBehind
from experiments.training.loggers import log_predictions, log_scores, open_loggers
from experiments.training.notes import data_notes
from experiments.training.trainer import make_model, make_trainer
from sermodels.parts import make
from sermodels.tasks.task import Task

log = logging.getLogger(__name__)


def train(plan: RunPlan, overrides: Sequence[str] = ()) -> RunResult:
    """Train and evaluate one run, or find what it left.

    The same command again: a finished run returns its result, a partial one goes on after its last completed
    pass. `overwrite=true` starts anew. Raises DataError and ConfigurationError for a user's mistakes,
    KeyboardInterrupt when interrupted; any failure leaves its reason in `FAILED`.

    overrides: the command line, kept for whoever looks into the run's directory.
    """
    join_processes(plan.trainer.accelerator, plan.trainer.processes)
    # Prepared first, because the run is named by what the files hold; where all was seen before, none is read.
    data = _prepared(plan)
    decides = outcome(plan, data_fingerprint(data.parts))
    run = RunResult(plan.run_root / run_name(plan, decides))
    refuse_unlike(run.path.name)
    first = rank() == 0
    with run.lock() if first else nullcontext():
        if first:  # and not before: until then it may be another process's
            report(directory=str(run.path.resolve()))
        if from_first(lambda: _already_done(run, plan.overwrite)):
            log.info("%s is done; overwrite=true would train it anew", run.path)
            return run
        with log_to_file(run.path / "run.log"):
            try:
                _train(plan, overrides, data, decides, run)
            except KeyboardInterrupt:
                log.info("interrupted; the same command goes on after the last completed pass")
                raise
            except BaseException as error:
                sentence = sentence_of(error)
                run.mark_failed(sentence or f"{type(error).__name__}: {error}")
                if sentence is None:
                    log.exception("the run failed")
                raise
    return run


def _prepared(plan: RunPlan) -> PreparedData:
    """The data of a run, its features extracted."""
    corpus, pool = read_corpora(plan.data)
    if world_size() > 1:  # one extracts, with a progress bar, and then all find everything there
        from_first(lambda: extract(plan.data, corpus, pool) is None)
    return extract(plan.data, corpus, pool, progress=rank() == 0)


def objective(plan: RunPlan, metrics: Metrics) -> float:
    """What a search over options maximises: the task's one number of the development set."""
    return make("task", plan.task, Task).objective(metrics.validation or {})


def _already_done(run: RunResult, overwrite: bool) -> bool:
    """Whether there is nothing left to do; else an earlier failure is no longer the state of things."""
    if overwrite:
        run.clear()
    if not run.done:
        run.begin()
    return run.done


def _train(
    plan: RunPlan,
    overrides: Sequence[str],
    data: PreparedData,
    decides: dict[str, Any],
    run: RunResult,
) -> None:
    first = rank() == 0
    partial = from_first(lambda: run.partial)
    environment = run.environment if partial else None
    known = environment["threads"] if environment and "threads" in environment else None
    if environment and not (type(known) is int and 1 <= known <= MOST_THREADS):
        raise DataError(f"{run.path / 'environment.json'}: does not say threads, 1 to {MOST_THREADS}; {REMEDY}.")
    threads = known or plan.trainer.threads or torch.get_num_threads()
    # The number of threads decides the order of sums, so a resumed run takes the number it began with.
    torch.set_num_threads(threads)
    if plan.trainer.accelerator == "cpu":
        keep_freed_memory()
    environment = environment or describe_environment(threads)
    if first:
        run.write_environment(environment)
        run.begun(plan.config, overrides, decides)
    started, before = time.perf_counter(), environment["seconds"]
    try:
        metrics = _fit_and_score(plan, data, decides, run, partial, threads)
    finally:
        environment["seconds"] = round(before + time.perf_counter() - started, 1)
        if first:
            run.write_environment(environment)
    if first:
        run.finish(metrics)


def _fit_and_score(
    plan: RunPlan,
    data: PreparedData,
    decides: dict[str, Any],
    run: RunResult,
    partial: bool,
    threads: int,
) -> Metrics:
    data = teaching(data, plan.task)
    notes = data_notes(data, plan.data.chunks, plan.pretrained)
    for note in notes:
        log.info("%s", note)
    if rank() == 0:
        run.write_training_set(training_set(data, plan.pretrained.taught_with if plan.pretrained else None))
    task = fitted_task(plan.task, data.corpus)
    left = LeftBehind.of(run, decides) if partial else None
    if left is not None:
        left.compare_task(task)
        task = left.task  # the last bit of a mean may be another processor's
    datamodule = make_datamodule(plan, data, make("task", task, Task))
    if left is not None:
        left.compare_front_end(datamodule.front_end)
    if plan.search is not None:
        from experiments.training.search import searched  # optuna, which takes a second to import

        plan = replace(plan, model=searched(plan, plan.search, task, datamodule, run))
    model = make_model(plan, task)
    if left is not None:
        left.compare_weights(model.state_dict())
    del left  # and what it holds of two checkpoints
    # Again: what could not be extracted was left out by each machine for itself.
    refuse_unlike(sets_digest(datamodule.sets))
    refuse_full_disk(run.path, model)
    log.info(
        "%s: %d passes over %s, %d parameters, %d threads",
        run.path.name,
        len(datamodule.passes),
        ", ".join(f"{name} ({len(one)})" for name, one in datamodule.sets.items() if name in (LABELED, UNLABELED)),
        sum(parameter.numel() for parameter in model.parameters()),
        threads,
    )
    warn_of_slow_bf16(plan.trainer.accelerator, plan.trainer.precision)
    settings = {**yaml.safe_load(plan.config), "outcome": decides, "run": run.path.name}
    with open_loggers(plan.logger, run.path, settings) as loggers:
        trainer = make_trainer(plan, model, run.path, loggers)
        if partial:
            log.info("going on after the last completed pass, from %s", run.last)
        _fit(trainer, model, datamodule, run.last if partial else None)
        model.to(trainer.strategy.root_device)  # Lightning brings a model back to the CPU when it is done
        # The best model is the run's result, not the last one; weights only, the rest was for resuming.
        model.load_state_dict(read_checkpoint(run.best, run_hash(decides))["state_dict"])
        tests = [name for name in datamodule.sets if is_test_set(name)]
        metrics = Metrics(
            corpus={
                "name": data.corpus.name,
                "version": data.corpus.version,
                "labels": model.task.label_kind(data.corpus.label_kind),
                "labeled": len(datamodule.sets[LABELED]),
                "unlabeled": len(datamodule.sets[UNLABELED]) if UNLABELED in datamodule.sets else 0,
                "pool": _pool_name(plan, data),
                "notes": notes,
            },
            model=plan.model_name,
            attribute=plan.task_label,
            seed=plan.seed,
            validation=score_sets(model, datamodule, ["development"], run.path)["development"],
            test=score_sets(model, datamodule, tests, run.path),
        )
        log_scores(loggers, metrics)
        log_predictions(loggers, run, tests)
    return metrics


def _pool_name(plan: RunPlan, data: PreparedData) -> str | None:
    """What U was made of; `train` where that was the training set itself."""
    if data.pool is None:
        return None
    return data.pool.name if plan.data.unlabeled_from == "pool" else plan.data.unlabeled_from


def _fit(trainer: Any, model: Any, datamodule: Any, resume: Path | None) -> None:
    """Train; an interruption comes back as KeyboardInterrupt, whichever way Lightning chose to end.

    Raises DataError for a checkpoint that no training goes on from.
    """
    begun = Begun()
    trainer.callbacks.append(begun)
    try:
        trainer.fit(model, datamodule=datamodule, ckpt_path=str(resume) if resume else None, weights_only=True)
    except SystemExit as error:
        if trainer.state.status == TrainerStatus.INTERRUPTED:
            raise KeyboardInterrupt from error
        raise
    except Exception as error:
        if resume is None or begun.yet or sentence_of(error) is not None:
            raise
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"{resume}: no training goes on from it ({reason}); {REMEDY}.") from error
    if trainer.state.status == TrainerStatus.INTERRUPTED:
        raise KeyboardInterrupt
