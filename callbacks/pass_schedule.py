"""Validation, the best checkpoint and early stopping look only after passes over L."""

import pytorch_lightning as pl

from callbacks.protocols import PassData
from datamodules.batch import LABELED


class PassSchedule(pl.Callback):
    """Turns validation off for passes over U, whose model nobody would keep."""

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look at which set is read."""
        data: PassData = trainer.datamodule  # type: ignore[attr-defined]
        labeled = data.passes[trainer.current_epoch] == LABELED
        trainer.check_val_every_n_epoch = 1 if labeled else len(data.passes) + 1
