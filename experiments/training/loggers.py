"""Where a training's curves, scores and predictions go beside the files that are always written."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger

from datamodules.processes import rank
from experiments.config.plan import LoggerPlan
from experiments.results.metrics import Metrics
from experiments.results.run_result import RunResult
from experiments.training.forgiving import ForgivingLogger

log = logging.getLogger(__name__)

MOST_ROWS = 10_000
"""Of a table in Weights & Biases."""


@contextmanager
def open_loggers(plan: LoggerPlan, directory: Path, settings: dict[str, Any]) -> Iterator[list[Logger]]:
    """The run's loggers, always finished; without them where the service cannot be used, which is said.

    directory: the run's. settings: what the service keeps of the run's options.
    """
    if plan.backend is None or rank() != 0:
        yield []
        return
    loggers: list[Logger] = []
    service = None
    try:
        # Imported here, because a training without it does not wait for it; and it may not be installed.
        service = import_module(f"experiments.training.{plan.backend}_run")
        loggers.append(ForgivingLogger(service.open_run(plan, directory, settings), service.CALLED))
    except Exception as error:  # not installed, or broken: no reason not to train
        log.warning("%s cannot be used (%s: %s); training goes on.", plan.backend, type(error).__name__, error)
    status = 1
    try:
        yield loggers
        status = 0
    finally:
        try:
            if service is not None:
                service.close_run(status)
        except Exception as error:
            log.warning("%s could not be finished (%s: %s).", plan.backend, type(error).__name__, error)


def log_scores(loggers: list[Logger], metrics: Metrics) -> None:
    """The run's result, as `test1/ccc_arousal` and the like, for the tables that compare runs."""
    for logger in loggers:
        if isinstance(logger, ForgivingLogger):
            logger.log_scores(metrics.scores)


def log_predictions(loggers: list[Logger], run: RunResult, sets: Iterable[str]) -> None:
    """Of each set a table; of one with more than MOST_ROWS an even draw, always the same."""
    for name in sets if loggers else ():  # the first process alone has some, and the files
        table = run.predictions(name)
        if len(table) > MOST_ROWS:
            table = table.sample(MOST_ROWS, random_state=0).sort_index()
        for logger in loggers:
            if isinstance(logger, ForgivingLogger):
                logger.log_predictions(f"{name}/predictions", table.astype(object).where(table.notna(), None))
