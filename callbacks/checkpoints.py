"""last.ckpt after every pass, best.ckpt by the development CCC after passes over L; neither ever half written."""

import os
from pathlib import Path
from typing import Any

from lightning_fabric.plugins.io.torch_io import TorchCheckpointIO
from pytorch_lightning.callbacks import ModelCheckpoint


class AtomicCheckpointIO(TorchCheckpointIO):
    """Write beside the target, sync, rename: a kill at any moment leaves the old checkpoint or the new one.

    Lightning's own writer goes through the system's temporary folder, which is often another file system,
    where renaming becomes copying.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        target = Path(path)
        temporary = target.with_name(target.name + ".tmp")
        super().save_checkpoint(checkpoint, temporary, storage_options)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)


def last_checkpoint(directory: Path) -> ModelCheckpoint:
    """Where a run goes on; saved at the very end of every pass."""
    return ModelCheckpoint(
        directory,
        filename="last",
        every_n_epochs=1,
        save_top_k=1,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )


def best_checkpoint(directory: Path) -> ModelCheckpoint:
    """What a run is judged by; the first of equals is kept."""
    return ModelCheckpoint(
        directory,
        filename="best",
        monitor="validation/ccc",
        mode="max",
        save_top_k=1,
        save_on_train_epoch_end=False,
        enable_version_counter=False,
        auto_insert_metric_name=False,
    )
