"""Tensors that may be larger than the memory."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from datamodules.free_memory import free_memory


def large_tensor(shape: Sequence[int], dtype: torch.dtype, folder: Path) -> Tensor:
    """Uninitialised, of that shape: in main memory, or on the disk where it would take more than half of what is free.

    folder: of the disk. The file has no name there, and is gone with the tensor or the process. Where the system says
        nothing of its memory, or cannot set room on a disk aside (macOS), everything is in main memory.
    Raises OSError where the disk has no room for it.
    """
    size = torch.Size(shape).numel() * dtype.itemsize
    free = free_memory()
    if free is None or size <= free // 2 or not hasattr(os, "posix_fallocate"):
        return torch.empty(tuple(shape), dtype=dtype)
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)  # now: a full disk would end the process when it is written to
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(folder)) from error
        mapped = np.memmap(file, np.uint8, "r+", shape=(size,))
    return torch.from_numpy(mapped).view(dtype).view(tuple(shape))
