"""What Lightning does otherwise where several processes train together."""

import signal

import pytorch_lightning as pl


class EndOnSigterm(pl.Callback):
    """Lets SIGTERM end each of several processes as Ctrl-C does.

    Lightning's own handler waits in a broadcast for the others, which wait for this one in another call.
    """

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the signal over, after Lightning has."""
        if trainer.world_size > 1:
            signal.signal(signal.SIGTERM, signal.default_int_handler)


class WorldSizeCheck(pl.Callback):
    """Refuses to train in fewer or more processes than were asked for, which goes unnoticed otherwise."""

    def __init__(self, expected: int) -> None:
        self.expected = expected

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Raises RuntimeError for another number."""
        if trainer.world_size != self.expected:
            raise RuntimeError(f"{self.expected} processes were to train together, and there are {trainer.world_size}")
