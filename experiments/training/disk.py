"""Whether the disk has room for what a run writes."""

import shutil
from pathlib import Path

from torch import nn

from datamodules.errors import DataError

# last.ckpt, best.ckpt, and the one that is being written beside them.
CHECKPOINTS = 3
# A checkpoint's size in weights: the weights, and two moments of each of up to two Adams.
WEIGHTS_A_CHECKPOINT = 5
# Tables, logs and predictions, generously.
REST = 50 * 2**20


def refuse_full_disk(folder: Path, model: nn.Module) -> None:
    """Raise DataError where a run of `model` may not fit: now, and not when its first checkpoint is half written."""
    weights = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    # What a run that goes on has written already is written over, by way of the one beside it.
    written = sum(path.stat().st_size for path in (folder / "checkpoints").glob("*.ckpt"))
    one = WEIGHTS_A_CHECKPOINT * weights
    needed = max(one, CHECKPOINTS * one - written) + REST
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DataError(
            f"{folder}: {free / 2**20:.0f} MB of disk are free, and the run may write {needed / 2**20:.0f} MB; "
            "free some, or set run_root to another disk."
        )
