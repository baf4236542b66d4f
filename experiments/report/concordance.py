"""CCC values of predictions: of a whole set, of the papers' parts of it, and of speakers drawn again and again.

A CCC needs six sums alone: of 1, y, p, y², p², yp. They add up over speakers, so ten thousand drawn test sets are one
matrix product.

Shapes: N sentences, K speakers, R draws; sums (…, 6).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from datamodules import labels
from datamodules.labels import SCALE

Array = NDArray[np.float64]
SUBSETS = 4  # of the test set; Lin et al. 2021, Lin & Busso 2024
SUBSET_SEED = 2021
MIDDLE = sum(SCALE) / 2
NOBODY = "unknown speaker of "
"""Begins the name of a sentence that nobody known speaks."""


def sentence_sums(truth: Array, prediction: Array) -> Array:
    """(N,), (N,) -> (N, 6), about the middle of the scale, so that squares of large numbers do not cancel."""
    y, p = truth - MIDDLE, prediction - MIDDLE
    return np.stack([np.ones_like(y), y, p, y * y, p * p, y * p], axis=-1)


def ccc_of_sums(sums: Array) -> Array:
    """(…, 6) -> (…) CCC with population variances (Lin 1989); NaN where truth or prediction are constant.

    >>> truth = np.array([1.0, 2.0, 3.0])
    >>> float(ccc_of_sums(sentence_sums(truth, truth).sum(0)))
    1.0
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        y, p, yy, pp, yp = (sums[..., place] / sums[..., 0] for place in range(1, 6))
        var_y, var_p = yy - y**2, pp - p**2
        values = 2 * (yp - y * p) / (var_y + var_p + (y - p) ** 2)
    # Of constants the differences of squares leave rounding: about 1e-15 of squares of at most 9.
    return np.where((var_y > 1e-13) & (var_p > 1e-13), values, np.nan)


def parts_of(ids: Sequence[str], parts: int = SUBSETS, seed: int = SUBSET_SEED) -> NDArray[np.int64]:
    """Which part of the test set each sentence is in: random, equal to within one, the same for every model.

    The parts depend on the sentences' names alone, not on their order.

    >>> np.bincount(parts_of([f"{n}.wav" for n in range(10)])).tolist()
    [3, 3, 2, 2]
    """
    order = np.argsort(np.asarray(ids, dtype=str), kind="stable")
    shuffled = order[np.random.default_rng(seed).permutation(len(order))]
    part = np.empty(len(order), dtype=np.int64)
    for number, members in enumerate(np.array_split(shuffled, parts)):
        part[members] = number
    return part


def ccc(truth: Array, prediction: Array) -> float:
    """(N,), (N,) -> CCC with population variances (Lin 1989); NaN where one of them is constant.

    >>> ccc(np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0]))
    0.5714285714285715
    """
    if not len(truth) or any((values == values[0]).all() for values in (truth, prediction)):
        return float("nan")
    y, p = truth - truth.mean(), prediction - prediction.mean()
    return float(2 * (y * p).mean() / ((y * y).mean() + (p * p).mean() + (truth.mean() - prediction.mean()) ** 2))


@dataclass(frozen=True)
class Predictions:
    """What one training told of a test set."""

    truth: Array
    """(N,)"""
    prediction: Array
    """(N,)"""
    parts: NDArray[np.int64]
    """(N,) which of the papers' parts each sentence is in."""
    speakers: NDArray[np.str_]
    """(N,) who speaks; a sentence of nobody known is a speaker of its own."""

    @classmethod
    def of_table(cls, table: pd.DataFrame) -> "Predictions":
        """Of the rows of one attribute of predictions-<set>.parquet; sentences without a rating are left out."""
        rated = table[table["truth"].notna()]
        ids = rated["utterance_id"].astype(str).to_numpy(object)
        speaker = rated["speaker"].fillna("").astype(str)
        return cls(
            rated["truth"].to_numpy(float),
            rated["prediction"].to_numpy(float),
            parts_of(list(ids)),
            np.where(speaker.isin(labels.NOBODY), NOBODY + ids, speaker.to_numpy(object)).astype(str),
        )

    def measured(self, measure: str) -> "Predictions":
        """The same: there is one measure, the CCC."""
        return self

    @property
    def value(self) -> float:
        """The CCC."""
        return self.ccc

    def of_sums(self, sums: Array) -> Array:
        """See ccc_of_sums."""
        return ccc_of_sums(sums)

    @property
    def ccc(self) -> float:
        """Of all sentences."""
        return ccc(self.truth, self.prediction)

    @property
    def of_parts(self) -> list[float]:
        """Of each of the papers' parts."""
        return [ccc(self.truth[self.parts == part], self.prediction[self.parts == part]) for part in range(SUBSETS)]

    def by_speaker(self) -> dict[str, Array]:
        """(6,) sums of each speaker."""
        names, place = np.unique(self.speakers, return_inverse=True)
        sums = np.zeros((len(names), 6))
        np.add.at(sums, place, sentence_sums(self.truth, self.prediction))
        return dict(zip(names.tolist(), sums, strict=True))
