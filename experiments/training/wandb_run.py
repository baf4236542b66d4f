"""A training's run in Weights & Biases: online, or kept offline for `wandb sync`."""

import logging
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import wandb
from pytorch_lightning.loggers import WandbLogger

from experiments.config.plan import LoggerPlan

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

CALLED = "Weights & Biases"


class WandbRun(WandbLogger):
    """Lightning's, and what a run has beside curves."""

    def log_scores(self, scores: Mapping[str, float]) -> None:
        """Into the summary: the best pass's score of the development set stands there, not its curve's last."""
        self.experiment.summary.update(dict(scores))

    def log_picture(self, name: str, path: Path) -> None:
        """See Service."""
        self.log_image(name, [str(path)])

    def log_predictions(self, name: str, table: "pd.DataFrame") -> None:
        """See Service."""
        self.log_table(name, dataframe=table)


def open_run(plan: LoggerPlan, directory: Path, settings: dict[str, Any]) -> WandbRun:
    """A resumed run goes on with its own curve: its id lies in `wandb_id`."""
    offline = plan.offline
    if not offline and not wandb.login(prompt=False):
        log.warning("no account of Weights & Biases is set up here; the run is kept offline for `wandb sync`.")
        offline = True
    id_file = directory / "wandb_id"
    if not id_file.exists():
        # Random, not the run's hash: equal hashes would merge the curves of two machines.
        id_file.write_text(secrets.token_hex(8))
    return WandbRun(
        project=plan.project,
        name=directory.name,
        id=id_file.read_text().strip(),
        save_dir=directory,
        offline=offline,
        resume=None if offline else "allow",
        config=settings,
        log_model=False,
    )


def close_run(status: int) -> None:
    """End the run, whatever happened: the next job of a process would else go on with it."""
    wandb.finish(exit_code=status)
