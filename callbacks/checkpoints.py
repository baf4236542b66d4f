"""last.ckpt after every pass, best.ckpt by the development set after passes over L; neither ever half written."""

import io
import os
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins.io.torch_io import TorchCheckpointIO
from pytorch_lightning.callbacks import ModelCheckpoint

from datamodules.whole_files import whole_file


class WholeCheckpointIO(TorchCheckpointIO):
    """A kill at any moment leaves the old checkpoint or the new one.

    Lightning's own writer goes through the system's temporary folder, which is often another file system, where
    renaming becomes copying, and may be full.

    run: the name of the run whose they are; a resumed run takes no other's.
    """

    def __init__(self, run: str) -> None:
        super().__init__()
        self.run = run

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """See TorchCheckpointIO."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        # By way of the memory, because PyTorch's own writer tells of a full disk in no words of the system's.
        content = io.BytesIO()
        torch.save({**checkpoint, "run": self.run}, content)
        with whole_file(target) as draft:
            draft.write_bytes(content.getbuffer())


class MovableCheckpoint(ModelCheckpoint):
    """Remembers the best model by its file's name, so that a run's directory may be moved or mounted elsewhere.

    Lightning forgets the best score when the folder's path is another than the one in the checkpoint; a worse
    model would then replace best.ckpt.
    """

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """See ModelCheckpoint; every path becomes one in this run's folder."""

        def here(path: str) -> str:
            return os.path.join(str(self.dirpath), os.path.basename(path)) if path else path

        moved = {name: here(path) for name, path in state_dict.items() if name.endswith("_path")}
        best = {here(path): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict({**state_dict, **moved, "best_k_models": best, "dirpath": str(self.dirpath)})


def last_checkpoint(directory: Path) -> ModelCheckpoint:
    """Where a run goes on; saved at the very end of every pass."""
    return MovableCheckpoint(
        directory,
        filename="last",
        every_n_epochs=1,
        save_top_k=1,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )


def best_checkpoint(directory: Path, score: str, mode: str) -> ModelCheckpoint:
    """What a run is judged by; the first of equals is kept.

    score: of the development set, as the model's task calls it. mode: max or min, which of two values is the better.
    """
    return MovableCheckpoint(
        directory,
        filename="best",
        monitor=f"validation/{score}",
        mode=mode,
        save_top_k=1,
        save_on_train_epoch_end=False,
        enable_version_counter=False,
        auto_insert_metric_name=False,
    )
