"""Mean and standard deviation of every mel bin over a set of utterances.

Shapes: F mel bins, n frames of a block, U utterances.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from datamodules.errors import DataError
from datamodules.feature_store import FeatureStore
from datamodules.whole_files import write_whole

BLOCK_FRAMES = 16384  # 16 MB in float64


@dataclass(frozen=True, eq=False)
class FrameStatistics:
    """What z-normalisation needs."""

    mean: Tensor
    """(F,) float32."""
    std: Tensor
    """(F,) float32, population (divided by n)."""


def frame_statistics(
    store: FeatureStore, utterance_ids: Sequence[str] | pd.Series, std_floor: float = 1e-6
) -> FrameStatistics:
    """Statistics over all frames of these utterances, in float64 and one pass, kept in the store's folder.

    A bin that does not vary (its std is at most `std_floor`: the empty HTK filter, silence alone) gets std 1,
    so that it stays near 0 instead of blowing up the rounding of float16. The result depends on the
    utterances and their order, not on where they lie in the store. Raises DataError for no utterances.
    """
    offsets, lengths = (places.numpy() for places in store.locate(utterance_ids))
    if not len(offsets):
        raise DataError(f"{store.folder}: statistics of no utterances; the training set must not be empty.")
    digest = hashlib.sha256(np.stack([offsets, lengths]).tobytes()).hexdigest()[:12]
    cache = store.folder / f"statistics-{digest}.json"
    if cache.exists():
        kept = json.loads(cache.read_text())
        mean, std = np.array(kept["mean"]), np.array(kept["std"])
    else:
        mean, std = _moments(_blocks(store.frames.numpy(), offsets, lengths))
        # Two runs may compute the same at once; the last rename holds.
        write_whole(cache, json.dumps({"frames": int(lengths.sum()), "mean": mean.tolist(), "std": std.tolist()}))
    std = np.where(std > std_floor, std, 1.0)
    return FrameStatistics(torch.tensor(mean, dtype=torch.float32), torch.tensor(std, dtype=torch.float32))


def _blocks(frames: np.ndarray, offsets: np.ndarray, lengths: np.ndarray) -> Iterator[np.ndarray]:
    """The utterances' frames as (n, F) float64, about BLOCK_FRAMES at a time."""
    ends = np.cumsum(lengths)
    cuts = np.searchsorted(ends, np.arange(BLOCK_FRAMES, ends[-1], BLOCK_FRAMES), side="left") + 1
    for part in np.split(np.arange(len(lengths)), np.unique(cuts)):
        if len(part):
            pieces = [frames[offsets[i] : offsets[i] + lengths[i]] for i in part]
            yield np.concatenate(pieces).astype(np.float64)


def _moments(blocks: Iterator[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and population std per bin: each block's own, merged (Chan, Golub & LeVeque 1983).

    Sums of squares would cancel where the mean is large beside the deviation, as it is after the logarithm.
    """
    count, mean, square = 0, np.zeros(1), np.zeros(1)
    for block in blocks:
        block_mean = block.mean(axis=0)
        block_square = np.square(block - block_mean).sum(axis=0)
        difference, total = block_mean - mean, count + len(block)
        square = square + block_square + np.square(difference) * (count * len(block) / total)
        mean = mean + difference * (len(block) / total)
        count = total
    return mean, np.sqrt(square / count)
