"""A training's run in Trackio: one SQLite file a project on this machine, shown by `trackio show`; no account."""

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trackio
from pytorch_lightning.loggers import Logger

from experiments.config.plan import LoggerPlan

if TYPE_CHECKING:
    import pandas as pd

CALLED = "Trackio"


class TrackioRun(Logger):
    """See Service."""

    def __init__(self, run: "trackio.Run") -> None:
        super().__init__()
        self.run = run

    @property
    def name(self) -> str:
        """The project's."""
        return str(self.run.project)

    @property
    def version(self) -> str:
        """The run's name."""
        return str(self.run.name)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """See Service; the step is a number of its own, as in Weights & Biases, since several points share one."""
        self.run.log({**metrics} if step is None else {**metrics, "trainer/global_step": step})

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Nothing: they were given when the run was opened."""

    def log_scores(self, scores: Mapping[str, float]) -> None:
        """Of the test sets: the development set's best is a point of its curve already, and there is no summary."""
        self.run.log({name: value for name, value in scores.items() if not name.startswith("validation/")})

    def log_picture(self, name: str, path: Path) -> None:
        """See Service."""
        self.run.log({name: trackio.Image(str(path))})

    def log_predictions(self, name: str, table: "pd.DataFrame") -> None:
        """See Service."""
        self.run.log({name: trackio.Table(dataframe=table)})


def open_run(plan: LoggerPlan, directory: Path, settings: dict[str, Any]) -> TrackioRun:
    """A resumed run goes on with its own curve: `trackio` lies in its directory."""
    begun = directory / "trackio"
    with redirect_stdout(sys.stderr):  # where a program's result goes, Trackio's greetings do not
        run = trackio.init(
            project=plan.project,
            name=directory.name,
            config=settings,
            resume="allow" if begun.exists() else "never",
            embed=False,
            auto_log_cpu=False,
            auto_log_gpu=False,
        )
    begun.touch()
    return TrackioRun(run)


def close_run(status: int) -> None:
    """Write what is still on its way."""
    with redirect_stdout(sys.stderr):
        trackio.finish()
