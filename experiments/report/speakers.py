"""Would it be so with other speakers? A paired bootstrap over the speakers of the test set.

Sentences of one speaker are alike, so resampling sentences would give intervals that are too narrow.

Shapes: K speakers, R draws, T trials.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from experiments.report.concordance import NOBODY, Array, Predictions
from experiments.report.confusion import MeasuredCategories

DRAWS = 10_000
SEED = 1989
ENOUGH = 10
"""Speakers, below which such an interval says little."""
BLOCK = 10_000_000
"""Weights held at once."""


Judged = Predictions | MeasuredCategories
"""Predictions, and what they are judged by."""


@dataclass(frozen=True)
class SpeakerInterval:
    """Of a number, were the speakers others."""

    low: float
    high: float
    """95 % of the draws lie between."""
    p: float
    """Two-sided, of the number being 0."""
    speakers: int
    """That are known by name; a sentence of nobody known is drawn by itself."""

    @property
    def enough(self) -> bool:
        """Whether there are so many that the interval can be trusted."""
        return self.speakers >= ENOUGH


def drawn_scores(trials: Sequence[Judged], draws: int = DRAWS, seed: int = SEED) -> tuple[Array, list[str]]:
    """(R,) a model's score on speakers drawn with replacement, and who the speakers are.

    trials: of one model. Where they were tested on the same speakers, their scores are averaged; where not, as in
    folds, their sentences are taken as one test set. The same speakers and seed give the same draws, whatever the
    model, so that differences of two models are paired.
    """
    sums = [one.by_speaker() for one in trials]
    names = sorted(set().union(*sums))
    nothing = np.zeros(len(next(iter(sums[0].values()))))
    matrices = [np.array([one.get(name, nothing) for name in names]) for one in sums]
    if any(set(one) != set(names) for one in sums):
        matrices = [np.sum(matrices, axis=0)]
    rng, even = np.random.default_rng(seed), np.full(len(names), 1 / len(names))
    drawn = []
    for count in _blocks(draws, len(names)):
        weights = rng.multinomial(len(names), even, count).astype(float)
        drawn.append(np.mean([trials[0].of_sums(weights @ matrix) for matrix in matrices], axis=0))
    return np.concatenate(drawn), names


def _blocks(draws: int, speakers: int) -> Iterator[int]:
    """How many draws at a time."""
    size = max(1, BLOCK // max(speakers, 1))
    for first in range(0, draws, size):
        yield min(size, draws - first)


def interval(values: Array, names: Sequence[str]) -> SpeakerInterval:
    """The interval of drawn numbers; draws that have none (a speaker alone, all constant) are left out."""
    known = values[~np.isnan(values)]
    speakers = sum(not name.startswith(NOBODY) for name in names)
    if not len(known):
        return SpeakerInterval(np.nan, np.nan, np.nan, speakers)
    low, high = np.quantile(known, [0.025, 0.975])
    beyond = min((known <= 0).sum(), (known >= 0).sum())
    return SpeakerInterval(float(low), float(high), min(1.0, float(2 * (beyond + 1) / (len(known) + 1))), speakers)
