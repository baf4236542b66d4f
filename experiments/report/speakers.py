"""Would it be so with other speakers? A paired bootstrap over the speakers of the test set.

Sentences of one speaker are alike, so resampling sentences would give intervals that are too narrow.

Shapes: K speakers, R draws, T trials.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.report.concordance import Array, Predictions, ccc_of_sums

DRAWS = 10_000
SEED = 1989
ENOUGH = 10
"""Speakers, below which such an interval says little."""


@dataclass(frozen=True)
class SpeakerInterval:
    """Of a number, were the speakers others."""

    low: float
    high: float
    """95 % of the draws lie between."""
    p: float
    """Two-sided, of the number being 0."""
    speakers: int

    @property
    def enough(self) -> bool:
        """Whether there are so many that the interval can be trusted."""
        return self.speakers >= ENOUGH


def drawn_cccs(trials: Sequence[Predictions], draws: int = DRAWS, seed: int = SEED) -> tuple[Array, list[str]]:
    """(R,) a model's CCC on speakers drawn with replacement, and who the speakers are.

    trials: of one model. Where they were tested on the same speakers, their CCCs are averaged; where not, as in folds,
    their sentences are taken as one test set. The same speakers and seed give the same draws, whatever the model, so
    that differences of two models are paired.
    """
    sums = [one.by_speaker() for one in trials]
    names = sorted(set().union(*sums))
    weights = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), draws)
    nothing = np.zeros(6)
    matrices = [np.array([one.get(name, nothing) for name in names]) for one in sums]
    if any(set(one) != set(names) for one in sums):
        matrices = [np.sum(matrices, axis=0)]
    return np.mean([ccc_of_sums(weights.astype(float) @ matrix) for matrix in matrices], axis=0), names


def interval(values: Array, speakers: int) -> SpeakerInterval:
    """The interval of drawn numbers; draws that have none (a speaker alone, all constant) are left out."""
    known = values[~np.isnan(values)]
    if not len(known):
        return SpeakerInterval(np.nan, np.nan, np.nan, speakers)
    low, high = np.quantile(known, [0.025, 0.975])
    beyond = min((known <= 0).sum(), (known >= 0).sum())
    return SpeakerInterval(float(low), float(high), min(1.0, float(2 * (beyond + 1) / (len(known) + 1))), speakers)
