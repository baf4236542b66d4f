"""history.csv: a row a pass, whatever other loggers do."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from torch import Tensor

from callbacks.csv_table import CsvTable
from callbacks.protocols import PassData


class History(pl.Callback):
    """Mean losses of every pass (over its chunks) and, after passes over L, the development set's scores.

    A pass's seconds are those since the pass before it ended: its re-labelling, its batches, its validation.

    loss_names: the model's named losses. scores: its task's.
    """

    def __init__(self, directory: Path, loss_names: Sequence[str], scores: Sequence[str]) -> None:
        self.validation = [f"validation/{name}" for name in scores]
        columns = ["pass", "set", "batches", "loss", *loss_names, *self.validation, "seconds"]
        self.table = CsvTable(Path(directory) / "history.csv", columns)
        self._started = time.perf_counter()
        self._forget()

    def _forget(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._chunks = 0
        self._batches = 0
        self._validated = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """A resumed run goes on with the rows of the passes it has done."""
        self._started = time.perf_counter()
        if trainer.is_global_zero:
            self.table.cut_back(trainer.current_epoch)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin a row."""
        self._forget()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Add a batch's losses, each chunk weighing the same."""
        chunks = batch.share.total * batch.positions.shape[1]
        for name, value in outputs.items():
            # Added where it is: a GPU would stand still while the processor waited for a number.
            self._sums[name] = value.double() * chunks + self._sums.get(name, 0)
        self._chunks += chunks
        self._batches += 1

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The pass has scores."""
        self._validated = True

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the row."""
        data: PassData = trainer.datamodule  # type: ignore[attr-defined]
        if not trainer.is_global_zero:
            return
        # Not since its own start: the set has been re-labelled by then.
        started, self._started = self._started, time.perf_counter()
        validation = {name: float(trainer.callback_metrics[name]) for name in self.validation if self._validated}
        self.table.append(
            {
                "pass": trainer.current_epoch,
                "set": data.passes[trainer.current_epoch],
                "batches": self._batches,
                **{name: float(total) / self._chunks for name, total in self._sums.items()},
                **validation,
                "seconds": round(self._started - started, 3),
            }
        )
