"""The one batch every model reads.

Shapes: B sentences, C chunks a sentence (1 when chunks are drawn singly), T frames, F mel bins, A attributes.
"""

from typing import NamedTuple

from torch import Tensor

LABELED = "L"
UNLABELED = "U"


class ChunkBatch(NamedTuple):
    """Chunks of B sentences, gathered on the model's device."""

    sentence_ids: Tensor
    """(B,) row of the sentence in its set."""
    positions: Tensor
    """(B, C) place of each chunk in its sentence, 0 .. num_chunks-1."""
    chunks: Tensor
    """(B, C, T, F) normalised features."""
    labels: Tensor
    """(B, A) z-normalised attributes; NaN where a sentence has none."""
    pseudo_labels: Tensor
    """(B, C) cluster of each chunk; -1 where the pass has no clusters."""
