"""Whether a training has begun: what fails before is about what it was to go on from."""

import pytorch_lightning as pl


class Begun(pl.Callback):
    """Keeps no state of its own, so no checkpoint knows of it."""

    yet = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Everything that a checkpoint holds has been put in its place, and the callbacks before this one are ready."""
        self.yet = True
