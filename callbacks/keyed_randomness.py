"""All randomness of a batch (dropout, noise, triplets, z) comes from (seed, pass, batch)."""

from typing import Any

import pytorch_lightning as pl
import torch

from datamodules.seeds import derive_seed


class KeyedRandomness(pl.Callback):
    """Seed torch before every batch, so that a run resumed at a pass equals one never interrupted."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Seed it."""
        torch.manual_seed(derive_seed(self.seed, "batch", trainer.current_epoch, batch_idx))
