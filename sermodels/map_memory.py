"""Memory for the feature maps of a step, lent and taken back, so that every step writes to the same places.

A batch's maps are hundreds of megabytes each. Handed back to the C library they leave holes that the next step's maps
do not fit, which doubles a training's memory; handed back to the kernel they cost page faults (BENCHMARKS.md).

Shapes: N chunks, K channels, H x W places of a map.
"""

import threading
from collections.abc import Sequence

import torch
from torch import Tensor

_free: list[Tensor] = []
_one_at_a_time = threading.RLock()
"""Entered a second time where Python tidies up in the middle of lending."""


class LentMaps:
    """Maps of uninitialised memory, taken back when this object is gone."""

    def __init__(self) -> None:
        self._lent: list[Tensor] = []

    def __call__(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """(N, K, H, W) in main memory, channels last: the smallest free piece that holds it."""
        count, channels, height, width = shape
        needed = count * channels * height * width
        with _one_at_a_time:
            found = _taken(needed, dtype)
        self._lent.append(found)
        return found[:needed].view(count, height, width, channels).permute(0, 3, 1, 2)

    def __del__(self) -> None:
        with _one_at_a_time:
            _free.extend(self._lent)


def _taken(needed: int, dtype: torch.dtype) -> Tensor:
    """A piece of at least so many elements that is free no longer, or was just made."""
    alike = [one for one in _free if one.dtype == dtype]
    fitting = [one for one in alike if one.numel() >= needed]
    if fitting:
        found = min(fitting, key=Tensor.numel)
        _remove(found)
        return found
    if alike:
        _remove(max(alike, key=Tensor.numel))  # the new one will do its work, too
    return torch.empty(needed, dtype=dtype)


def _remove(piece: Tensor) -> None:
    _free[:] = [one for one in _free if one is not piece]
