"""What is known of every chunk of a set beside its sound: who speaks, how it feels, how long and how loud it is.

Clusters are compared with these, to see what they hold.

Shapes: S sentences, C chunks, N frames of the store, F mel bins.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from datamodules.labels import ATTRIBUTES, EMOTION, NOBODY
from datamodules.sentence_set import SentenceSet

UNKNOWN = -1
# Low [1, 3), middle [3, 5), high [5, 7]; Lin & Busso 2024, figures 4 and 5, whose levels overlap at 3 and 5.
LEVELS = (3.0, 5.0)
BINS = 10  # of durations and levels in dB, equally full
BLOCK = 1 << 22  # frames read at once


def chunk_facts(one: SentenceSet) -> dict[str, Tensor]:
    """(S, C) codes of every fact that the set knows, by name; UNKNOWN where it is not known of a chunk.

    speaker, gender, recording and emotion as the corpus names them; arousal, dominance and valence as low, middle and
    high; duration (of the sentence) and loudness (of the chunk's features) in tenths.
    """
    facts = {name: _names(one.table[name]) for name in ("speaker", "gender", "recording", EMOTION) if name in one.table}
    facts |= {name: _levels(one.table[name]) for name in ATTRIBUTES if name in one.table}
    facts["duration"] = _tenths(one.lengths.cpu().double())
    of_chunks = {name: codes[:, None].expand(-1, one.num_chunks) for name, codes in facts.items()}
    of_chunks["loudness"] = _tenths(chunk_levels(one).flatten()).view(len(one), one.num_chunks)
    return {name: codes for name, codes in of_chunks.items() if (codes != UNKNOWN).any()}


def chunk_levels(one: SentenceSet) -> Tensor:
    """(S, C) mean of every chunk's raw features: of peak-normalised files, so relative to a recording's peak."""
    means = torch.empty(len(one), one.num_chunks, dtype=torch.float64)
    starts, lengths = one.starts.cpu(), one.lengths.cpu()
    for ids in _blocks(lengths):
        frames = torch.cat([one.frames[first : first + length] for first, length in _places(one, ids)])
        sums = torch.cat([torch.zeros(1, dtype=torch.float64), frames.double().mean(1).cumsum(0).cpu()])
        ends = lengths[ids].cumsum(0)
        first = (ends - lengths[ids])[:, None] + starts[ids]
        # A sentence shorter than a chunk is repeated to fill it, so its mean is that of the sentence.
        last = torch.minimum(first + one.window_frames, ends[:, None])
        means[ids] = (sums[last] - sums[first]) / (last - first)
    return means


def apart(one: SentenceSet) -> Tensor:
    """(S,) how many places further a chunk begins that does not overlap; C where there is none."""
    gaps = one.starts.cpu()
    free = gaps - gaps[:, :1] >= one.window_frames
    return torch.where(free.any(1), free.int().argmax(1), torch.full((len(one),), one.num_chunks))


def _blocks(lengths: Tensor) -> Iterator[Tensor]:
    """Sentence ids, about BLOCK frames at a time."""
    block = lengths.cumsum(0) // BLOCK
    for number in block.unique():
        yield (block == number).nonzero().flatten()


def _places(one: SentenceSet, ids: Tensor) -> Iterator[tuple[int, int]]:
    yield from zip(one.offsets.cpu()[ids].tolist(), one.lengths.cpu()[ids].tolist(), strict=True)


def _names(column: pd.Series) -> Tensor:
    """Codes of names, UNKNOWN for those that say so.

    >>> _names(pd.Series(["b", "", "a", "b", "Unknown"])).tolist()
    [0, -1, 1, 0, -1]
    """
    return torch.from_numpy(pd.factorize(column.where(~column.isin(NOBODY)))[0].astype(np.int64))


def _levels(column: pd.Series) -> Tensor:
    """0 low, 1 middle, 2 high.

    >>> _levels(pd.Series([1.0, 3.0, 4.9, 7.0, float("nan")])).tolist()
    [0, 1, 1, 2, -1]
    """
    values = torch.tensor(column.to_numpy(dtype=np.float64))
    codes = torch.bucketize(values, torch.tensor(LEVELS, dtype=torch.float64), right=True)
    return torch.where(values.isnan(), UNKNOWN, codes)


def _tenths(values: Tensor) -> Tensor:
    """Which tenth of all values each is in; equal values are in one.

    >>> _tenths(torch.arange(20.0)).tolist()[:4]
    [0, 0, 1, 1]
    """
    ordered = values.sort().values
    rank = torch.searchsorted(ordered, values)  # of the first of equals
    return rank * BINS // len(values)
