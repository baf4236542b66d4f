"""Checksums of features, compared when they are first read: a disk gives back what it has, not what it was given.

Shapes: S sentences, N frames of the store, F mel bins.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import xxhash
from torch import Tensor

from datamodules.errors import DataError


def frame_sum(frames: np.ndarray) -> str:
    """XXH3 of a sentence's frames (T, F), 16 hexadecimal digits; 12 GB a second on one core."""
    return xxhash.xxh3_64_hexdigest(np.ascontiguousarray(frames).view(np.uint8).data)


class FrameSums:
    """What the frames of some sentences must come to; each is compared once."""

    def __init__(self, names: Sequence[str], sums: Sequence[str], folder: Path) -> None:
        """names: of the S sentences, for who is told. sums: see frame_sum. folder: of their store."""
        self.names = list(names)
        self.sums = list(sums)
        self.folder = folder
        self._unread = torch.ones(len(self.sums), dtype=torch.bool)

    def compare(self, rows: Tensor, frames: Tensor, offsets: Tensor, lengths: Tensor) -> None:
        """Compare those of these rows that were not read before.

        rows: any shape, of 0 … S-1. frames: (N, F) float16 in main memory or mapped. offsets, lengths: (S,). Raises
        DataError where they differ.
        """
        new = rows[self._unread[rows]]
        if len(new):
            found = self.differing(new.tolist(), frames, offsets, lengths)
            if found:
                raise DataError(
                    f"{self.folder}: the features of {self.names[found[0]]}{_others(len(found))} are not what was "
                    "written: the disk, or who copied the folder, damaged them; python -m experiments.prepare --verify "
                    "with the same data options finds and makes again whatever is damaged."
                )
            self._unread[new] = False

    def differing(self, rows: Sequence[int], frames: Tensor, offsets: Tensor, lengths: Tensor) -> list[int]:
        """Those of these rows whose frames differ."""
        whole = frames.numpy()
        firsts, counts = offsets.tolist(), lengths.tolist()
        return [row for row in rows if frame_sum(whole[firsts[row] : firsts[row] + counts[row]]) != self.sums[row]]

    def part(self, rows: Sequence[int]) -> "FrameSums":
        """Of some of the sentences, in this order."""
        taken = FrameSums([self.names[row] for row in rows], [self.sums[row] for row in rows], self.folder)
        taken._unread = self._unread[list(rows)]
        return taken


def _others(count: int) -> str:
    return f" and {count - 1} more" if count > 1 else ""
