"""Mean and standard deviation of every mel bin over a set of utterances.

Shapes: F mel bins, n frames of a block, U utterances.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import xxhash
from torch import Tensor

from datamodules.errors import DataError
from datamodules.feature_store import FeatureStore
from datamodules.whole_files import UNREADABLE, regular, write_whole

log = logging.getLogger(__name__)

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
    sums = store.sums(utterance_ids)
    what = np.stack([offsets, lengths]).tobytes() + "".join(sums.sums).encode()
    digest = hashlib.sha256(what).hexdigest()[:12]
    cache = store.folder / f"statistics-{digest}.json"
    kept = _kept(cache, digest, store.num_bins)
    if kept is not None:
        mean, std = kept
    else:
        sums.compare(torch.arange(len(offsets)), store.frames, *store.locate(utterance_ids))
        mean, std = _moments(_blocks(store.frames.numpy(), offsets, lengths))
        content = {"of": digest, "frames": int(lengths.sum()), "mean": mean.tolist(), "std": std.tolist()}
        try:  # two runs may compute the same at once; the last rename holds
            write_whole(cache, json.dumps({**content, "sum": _sum(content)}))
        except OSError as error:
            log.info("%s: statistics are not kept (%s)", cache, error.strerror)
    std = np.where(std > std_floor, std, 1.0)
    return FrameStatistics(torch.tensor(mean, dtype=torch.float32), torch.tensor(std, dtype=torch.float32))


def _kept(cache: Path, digest: str, bins: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Mean and standard deviation that were kept; None where none were, or others, or damaged ones, which is said."""
    if not cache.exists():
        return None
    try:
        content = json.loads(regular(cache).read_text())
        told = content.pop("sum")
        mean, std = np.array(content["mean"], dtype=np.float64), np.array(content["std"], dtype=np.float64)
        whole = told == _sum(content) and content["of"] == digest and mean.shape == std.shape == (bins,)
        if whole and np.isfinite([mean, std]).all() and (std >= 0).all():
            return mean, std
    except (*UNREADABLE, DataError):
        log.debug("%s: cannot be read", cache, exc_info=True)
    log.warning("%s: is damaged, or of other sentences; the statistics are computed again", cache)
    return None


def _sum(content: Mapping[str, object]) -> str:
    return xxhash.xxh3_64_hexdigest(json.dumps(content, sort_keys=True).encode())


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
