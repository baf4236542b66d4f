"""The progress bar names passes and sets instead of epochs."""

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import RichProgressBar

from callbacks.protocols import PassData


class PassProgress(RichProgressBar):
    """`pass 3/20 U` instead of `Epoch 2/19`.

    values_every: batches between two looks at losses and scores, for which a GPU has to stand still.
    """

    def __init__(self, values_every: int = 1) -> None:
        super().__init__(refresh_rate=1)
        self.values_every = values_every
        self._asked = 0
        self._values: dict[str, Any] = {}

    def _get_train_description(self, current_epoch: int) -> str:
        data: PassData = self.trainer.datamodule  # type: ignore[attr-defined]
        return f"pass {current_epoch + 1}/{len(data.passes)} {data.passes[current_epoch]}"

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """At the end of a pass its values are those of all of it."""
        self._asked = 0
        super().on_train_epoch_end(trainer, pl_module)

    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        """Losses and the development set's score, without the logger's version number."""
        if self._asked % self.values_every == 0:
            self._values = {**super().get_metrics(trainer, pl_module)}
            self._values.pop("v_num", None)
        self._asked += 1
        return self._values
