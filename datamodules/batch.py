"""The one batch every model reads, and the one rule by which anything random is keyed.

Shapes: B sentences, C chunks a sentence (1 when chunks are drawn singly), T frames, F mel bins, A attributes.
"""

import hashlib
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
    """(B, C) place of each chunk in its sentence, 0 .. num_chunks-1."""


class ChunkBatch(NamedTuple):
    """The chunks of a ChunkIndex, or of this process's share of it, gathered on the model's device."""

    set_name: str
    """`L`, `U`, or the name of a set that is only evaluated."""
    sentence_ids: Tensor
    """(B,) row of the sentence in its set."""
    positions: Tensor
    """(B, C) place of each chunk in its sentence, 0 .. num_chunks-1."""
    chunks: Tensor
    """(B, C, T, F) normalised features."""
    labels: Tensor
    """(B, A) z-normalised attributes; NaN where a sentence has none."""
    pseudo_labels: Tensor
    """(B, C) cluster of each chunk; -1 where the set has no clusters."""
    share: Share
    """Which of the whole batch's sentences these are; all of them where a single process trains."""


def derive_seed(*keys: int | str) -> int:
    """A 63-bit seed that depends on every key and on nothing else.

    All randomness is keyed by what it is for (the run's seed, the pass, the batch), never by a generator's
    history: this is what makes a resumed run equal to an uninterrupted one.
    """
    digest = hashlib.blake2b(repr(keys).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
