"""Is one row's number higher than another's? As the papers ask it, and as it should be asked."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.report.significance import LEVEL, holm, one_sample, welch
from experiments.report.speakers import DRAWS, Judged, SpeakerInterval, drawn_scores, interval

HIGHER, LOWER, SAME, UNKNOWN = "higher", "lower", "no difference told", "cannot be told"


@dataclass(frozen=True)
class Column:
    """What a comparison is of."""

    fidelity: str
    attribute: str
    measure: str


@dataclass(frozen=True)
class Values:
    """A row's numbers in one column, trial by trial."""

    trials: list[float]
    predictions: Sequence[Judged]
    """None but for what sentences are judged by."""
    which: tuple[int, ...] | None = None
    """The trials' numbers; None: the first ones."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of the trials, in their order."""
        return tuple(range(len(self.trials))) if self.which is None else self.which

    def of_trials(self, numbers: Sequence[int]) -> list[float]:
        """Those of the trials with these numbers."""
        return [self.trials[self.numbers.index(one)] for one in numbers]

    @property
    def of_parts(self) -> list[float]:
        """The papers' values: of every trial's every part of the test set."""
        return [value for one in self.predictions for value in one.of_parts]

    @property
    def papers_mean(self) -> float:
        """The mean of the papers' values; of the trials where there are none, or a part's is not defined."""
        parts = self.of_parts
        if parts and np.isfinite(parts).all():
            return float(np.mean(parts))
        return self.mean

    @property
    def mean(self) -> float:
        """Over the trials; NaN where there is none, or one is not defined."""
        return float(np.mean(self.trials)) if self.trials else math.nan

    @property
    def deviation(self) -> float:
        """Standard deviation over the trials; NaN for fewer than two."""
        return float(np.std(self.trials, ddof=1)) if len(self.trials) > 1 else math.nan


@dataclass(frozen=True)
class Comparison:
    """Of two rows in one column."""

    row: str
    other: str
    column: Column
    difference: float
    """Of the means over the trials."""
    papers_difference: float
    """Of the papers' means."""
    p_papers: float
    """Welch's test of the papers' values; NaN where the column has none."""
    p_trials: float
    """Welch's test of the trials; the paired t-test where a trial is a fold."""
    speakers: SpeakerInterval | None
    """Of the difference; None where the column has no predictions."""
    p_trials_holm: float
    """Over all comparisons of the table."""
    p_speakers_holm: float
    trials: int
    """Of the row that has fewer."""
    compared: int
    """How many comparisons the table makes."""

    @property
    def papers(self) -> str:
        """What the papers' test says."""
        return _direction(self.papers_difference, self.p_papers)

    @property
    def sound(self) -> str:
        """What can be said: other trainings, and other speakers where there are enough, would give it too."""
        told = _direction(self.difference, self.p_trials_holm)
        if told in (HIGHER, LOWER) and self.speakers is not None and self.speakers.enough:
            return told if self.p_speakers_holm < LEVEL else SAME
        return told

    @property
    def why(self) -> str:
        """Why the two differ; empty where they do not."""
        if math.isnan(self.p_papers) or self.papers == self.sound:
            return ""
        if self.sound == UNKNOWN:
            few = f"{self.trials} training says nothing of other trainings"
            return few if self.trials < 2 else "a training's CCC is not defined, or none differs from another"
        if self.sound in (HIGHER, LOWER):
            return "the parts of the test set differ more than the trainings do"
        if not self.p_trials < LEVEL:
            return (
                f"other trainings may turn it round (p = {self.p_trials:.2f} of {self.trials} each): the parts of a "
                "test set share their training and are not independent"
            )
        if not self.p_trials_holm < LEVEL:
            return (
                f"of {self.compared} comparisons some come out so by chance (p = {self.p_trials_holm:.2f} after Holm)"
            )
        assert self.speakers is not None  # nothing else is left
        return f"other speakers may turn it round ({self.speakers.low:+.3f} to {self.speakers.high:+.3f})"


def _direction(difference: float, p: float) -> str:
    if math.isnan(p) or math.isnan(difference):
        return UNKNOWN
    if p >= LEVEL:
        return SAME
    return HIGHER if difference > 0 else LOWER


def compare(
    asked: Sequence[tuple[str, str, Column, Values, Values]], draws: int = DRAWS, paired: bool = False
) -> list[Comparison]:
    """Every (row, other, column, row's values, other's values), as one family of tests.

    draws: of the speakers. paired: trials of one number have their data in common, as those of a fold.
    """
    drawn = {}

    def drawn_of(key: tuple[str, Column], values: Values) -> tuple[np.ndarray, list[str]]:
        if key not in drawn:
            drawn[key] = drawn_scores(values.predictions, draws)
        return drawn[key]

    made = []
    for row, other, column, one, another in asked:
        difference = one.mean - another.mean
        speakers = None
        if one.predictions and another.predictions:
            (a, names), (b, others) = drawn_of((row, column), one), drawn_of((other, column), another)
            if names == others:  # else the draws would not be of the same speakers
                speakers = interval(a - b, names)
        papers_difference = one.papers_mean - another.papers_mean
        p_papers = welch(one.of_parts, another.of_parts)
        p_trials = of_pairs(one, another) if paired else welch(one.trials, another.trials)
        made.append((difference, papers_difference, p_papers, p_trials, speakers))
    trials_holm = holm([p for *_, p, _ in made])
    speakers_holm = holm([math.nan if one is None else one.p for *_, one in made])
    found = []
    for (row, other, column, one, another), numbers, p_holm, p_speakers in zip(
        asked, made, trials_holm, speakers_holm, strict=True
    ):
        trials = min(len(one.trials), len(another.trials))
        found.append(Comparison(row, other, column, *numbers, p_holm, p_speakers, trials, len(made)))
    return found


def of_pairs(one: Values, another: Values) -> float:
    """Two-tailed p of the paired t-test of the trials that both have; 1 where no pair differs."""
    common = sorted(set(one.numbers) & set(another.numbers))
    differences = np.subtract(one.of_trials(common), another.of_trials(common))
    return 1.0 if len(common) > 1 and not differences.any() else one_sample(differences)
