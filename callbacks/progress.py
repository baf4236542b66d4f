"""The progress bar names passes and sets instead of epochs."""

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import RichProgressBar

from callbacks.protocols import PassData


class PassProgress(RichProgressBar):
    """`pass 3/20 U` instead of `Epoch 2/19`."""

    def _get_train_description(self, current_epoch: int) -> str:
        data: PassData = self.trainer.datamodule  # type: ignore[attr-defined]
        return f"pass {current_epoch + 1}/{len(data.passes)} {data.passes[current_epoch]}"

    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        """Losses and the development set's score, without the logger's version number."""
        items: dict[str, Any] = super().get_metrics(trainer, pl_module)
        items.pop("v_num", None)
        return items
