"""A training that has come to nothing ends at once, and not after the last of its passes."""

import math
from typing import Any

import pytorch_lightning as pl
import torch

from datamodules.errors import TrainingDiverged


class DivergenceCheck(pl.Callback):
    """Raises TrainingDiverged for a loss, or weights after a pass, that are no numbers, before they are saved.

    last.ckpt and best.ckpt stay those of the passes before.
    """

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """All processes have the whole batch's loss, so all of them raise."""
        if not math.isfinite(outputs["loss"]):
            raise _diverged("the loss", trainer)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The last update of a pass is followed by no loss that would tell."""
        _check_weights(trainer, pl_module)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """As before a validation, for passes that have none."""
        _check_weights(trainer, pl_module)


def _check_weights(trainer: pl.Trainer, model: pl.LightningModule) -> None:
    if not all(torch.isfinite(value).all() for value in model.state_dict().values()):
        raise _diverged("a weight", trainer)


def _diverged(what: str, trainer: pl.Trainer) -> TrainingDiverged:
    return TrainingDiverged(
        f"{what} became NaN or infinite in pass {trainer.current_epoch}: the training has diverged; "
        "lower the learning rates or the losses' weights."
    )
