"""A training that has come to nothing ends at once, and not after the last of its passes."""

import math
from typing import Any

import pytorch_lightning as pl

from callbacks.errors import TrainingDiverged


class DivergenceCheck(pl.Callback):
    """Raises TrainingDiverged for a loss that is no number; last.ckpt still holds the pass before."""

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """All processes have the whole batch's loss, so all of them raise."""
        if not math.isfinite(outputs["loss"]):
            raise TrainingDiverged(
                f"the loss became NaN or infinite in pass {trainer.current_epoch}: the training has diverged; "
                "lower the learning rates or the losses' weights."
            )
