"""The one batch every model reads.

Shapes: B sentences, C chunks a sentence (1 when chunks are drawn singly), T frames, F mel bins, A attributes.
"""

from typing import NamedTuple

from torch import Tensor

from datamodules.processes import Share

LABELED = "L"
UNLABELED = "U"


class ChunkIndex(NamedTuple):
    """Which chunks of which set a batch holds; what the samplers make and the loaders carry.

    It is the whole batch's, the same on all processes that share the batch.
    """

    set_name: str
    sentence_ids: Tensor
    """(B,) row of the sentence in its set."""
    positions: Tensor
    """(B, C) place of each chunk in its sentence, 0 .. C-1; NO_CHUNK where a sentence has fewer than others."""


class ChunkBatch(NamedTuple):
    """The chunks of a ChunkIndex, or of this process's share of it, gathered on the model's device."""

    set_name: str
    """`L`, `U`, or the name of a set that is only evaluated."""
    sentence_ids: Tensor
    """(B,) row of the sentence in its set."""
    positions: Tensor
    """(B, C) place of each chunk in its sentence, 0 .. C-1; NO_CHUNK where a sentence has fewer than others."""
    chunks: Tensor
    """(B, C, T, F) normalised features; NaN for a chunk that a sentence does not have."""
    labels: Tensor
    """(B, A) labels as the task encodes them, NaN where there are none."""
    pseudo_labels: Tensor
    """(B, C) cluster of each chunk; -1 where the set has no clusters."""
    share: Share
    """Which of the whole batch's sentences these are; all of them where a single process trains."""
