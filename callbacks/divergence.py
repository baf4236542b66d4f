"""A training that has come to nothing ends at once, and not after the last of its passes."""

import math
from typing import Any

import pytorch_lightning as pl
from torch import Tensor

from callbacks.errors import TrainingDiverged


class DivergenceCheck(pl.Callback):
    """Raises TrainingDiverged at the end of a pass with a loss that was no number.

    Before that pass's checkpoint, so last.ckpt holds the pass before. Looked at once a pass, because looking makes the
    GPU wait.
    """

    def __init__(self) -> None:
        self._total: Tensor | float = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin anew."""
        self._total = 0.0

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """A sum is no number as soon as one of its terms is none."""
        self._total = self._total + outputs["loss"].detach()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Raises TrainingDiverged."""
        if not math.isfinite(float(self._total)):
            raise TrainingDiverged(
                f"the loss became NaN or infinite in pass {trainer.current_epoch}: the training has diverged; "
                "lower the learning rates or the losses' weights."
            )
