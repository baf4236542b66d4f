"""Memory for the feature maps of a step, lent and taken back, so that every step writes to the same places.

A batch's maps are hundreds of megabytes each. Handed back to the C library they leave holes that the next step's maps
do not fit, which doubles a training's memory; handed back to the kernel they cost page faults (BENCHMARKS.md).

Shapes: N chunks, K channels, H x W places of a map.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

_free: list[Tensor] = []


class LentMaps:
    """Maps of uninitialised memory, taken back when this object is gone."""

    def __init__(self) -> None:
        self._lent: list[Tensor] = []

    def __call__(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """(N, K, H, W) in main memory, channels last: the smallest free piece that holds it."""
        count, channels, height, width = shape
        needed = count * channels * height * width
        fitting = [one for one in _free if one.dtype == dtype and one.numel() >= needed]
        if fitting:
            found = min(fitting, key=Tensor.numel)
            _remove(found)
        else:
            if smaller := [one for one in _free if one.dtype == dtype]:
                _remove(max(smaller, key=Tensor.numel))  # the new one will do its work, too
            found = torch.empty(needed, dtype=dtype)
        self._lent.append(found)
        return found[:needed].view(count, height, width, channels).permute(0, 3, 1, 2)

    def __del__(self) -> None:
        _free.extend(self._lent)


def _remove(piece: Tensor) -> None:
    _free[:] = [one for one in _free if one is not piece]
