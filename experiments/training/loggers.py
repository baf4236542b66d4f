"""Weights & Biases beside the CSV files that are always written."""

import logging
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytorch_lightning.loggers import Logger

from datamodules.processes import rank
from experiments.config.plan import LoggerPlan
from experiments.results.metrics import Metrics
from experiments.results.run_result import RunResult

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

MOST_ROWS = 10_000
"""Of a table in Weights & Biases."""


class ForgivingLogger(Logger):
    """Hands everything to another logger until that fails; then says so once, and training goes on without it."""

    def __init__(self, inner: Logger) -> None:
        super().__init__()
        self.inner = inner
        self.works = True

    @property
    def name(self) -> str | None:
        """The other logger's; it names no folder of ours."""
        return self.inner.name

    @property
    def version(self) -> int | str | None:
        """The other logger's."""
        return self.inner.version

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """See Logger."""
        self._try("log_metrics", metrics, step)

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Nothing: the whole config is given to the logger when it is made."""

    def log_picture(self, name: str, path: Path) -> None:
        """A picture from a file, where the other logger takes any."""
        if hasattr(self.inner, "log_image"):
            self._try("log_image", name, [str(path)])

    def log_predictions(self, name: str, table: "pd.DataFrame") -> None:
        """Sentences and what was told of them, where the other logger takes tables."""
        if hasattr(self.inner, "log_table"):
            self._try("log_table", name, None, None, table)

    def finalize(self, status: str) -> None:
        """See Logger."""
        self._try("finalize", status)

    def _try(self, method: str, *arguments: Any) -> None:
        if not self.works:
            return
        try:
            getattr(self.inner, method)(*arguments)
        except Exception as error:  # whatever a network, an account or a full disk makes of it
            self.works = False
            log.warning(
                "Weights & Biases fails (%s: %s); training goes on without it, history.csv has everything.",
                type(error).__name__,
                error,
            )


@contextmanager
def open_loggers(plan: LoggerPlan, directory: Path, settings: dict[str, Any]) -> Iterator[list[Logger]]:
    """The run's loggers, always finished. A resumed run goes on with its own curve: its id lies in `wandb_id`.

    directory: the run's. settings: what the logger keeps of the run's options.
    """
    if plan.backend is None or rank() != 0:
        yield []
        return
    loggers: list[Logger] = []
    try:
        loggers.append(_wandb_logger(plan, directory, settings))
    except Exception as error:  # not installed, or broken: no reason not to train
        log.warning("Weights & Biases cannot be used (%s: %s); training goes on.", type(error).__name__, error)
    try:
        yield loggers
    except BaseException:
        _finish(1)
        raise
    _finish(0)


def log_scores(loggers: list[Logger], metrics: Metrics) -> None:
    """The run's result, as `test1/ccc_arousal` and the like, for the tables that compare runs."""
    # Not `validation/…`, whose last value would be taken for the curve's.
    scores = {name.replace("validation/", "best_validation/", 1): value for name, value in metrics.scores.items()}
    for logger in loggers:
        logger.log_metrics(scores)


def log_predictions(loggers: list[Logger], run: RunResult, sets: Iterable[str]) -> None:
    """Of each set a table; of one with more than MOST_ROWS an even draw, always the same."""
    for name in sets if loggers else ():  # the first process alone has some, and the files
        table = run.predictions(name)
        if len(table) > MOST_ROWS:
            table = table.sample(MOST_ROWS, random_state=0).sort_index()
        for logger in loggers:
            if isinstance(logger, ForgivingLogger):
                logger.log_predictions(f"{name}/predictions", table.astype(object).where(table.notna(), None))


def _finish(status: int) -> None:
    """End wandb's run, whatever happened: the next job of a process would else go on with it."""
    try:
        import wandb

        wandb.finish(exit_code=status)
    except Exception as error:
        log.warning("Weights & Biases could not be finished (%s: %s).", type(error).__name__, error)


def _wandb_logger(plan: LoggerPlan, directory: Path, settings: dict[str, Any]) -> Logger:
    import wandb
    from pytorch_lightning.loggers import WandbLogger

    offline = plan.offline
    if not offline and not wandb.login(prompt=False):
        log.warning("no account of Weights & Biases is set up here; the run is kept offline for `wandb sync`.")
        offline = True
    id_file = directory / "wandb_id"
    if not id_file.exists():
        # Random, not the run's hash: equal hashes would merge the curves of two machines.
        id_file.write_text(secrets.token_hex(8))
    inner = WandbLogger(
        project=plan.project,
        name=directory.name,
        id=id_file.read_text().strip(),
        save_dir=directory,
        offline=offline,
        resume=None if offline else "allow",
        config=settings,
        log_model=False,
    )
    return ForgivingLogger(inner)
