"""Tests of whether a difference is more than chance."""

import warnings
from collections.abc import Sequence

import numpy as np
from scipy import stats

LEVEL = 0.05
PAPERS_TRIALS = 5
"""Trainings behind a published mean (Lin et al. 2021; Lin & Busso 2024)."""


def welch(one: Sequence[float], other: Sequence[float]) -> float:
    """Two-tailed p of Welch's t-test; NaN where a side has fewer than two values, or a value that is not defined.

    Both papers say `two-tailed t-test`; that it takes variances to be unequal is our choice.

    >>> round(welch([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]), 4)  # t = -3.674 with 4 degrees of freedom
    0.0213
    """
    a, b = np.asarray(one, float), np.asarray(other, float)
    if min(len(a), len(b)) < 2 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("nan")
    if _constant(a) and _constant(b):  # equal to the last bit: nothing varies that a test could go by
        return 1.0 if a[0] == b[0] else float("nan")
    with warnings.catch_warnings():  # one side may be constant, which is told by its p
        warnings.filterwarnings("ignore", "Precision loss occurred")
        return float(stats.ttest_ind(a, b, equal_var=False).pvalue)


def one_sample(values: Sequence[float] | np.ndarray) -> float:
    """Two-tailed p of the mean being 0; NaN where fewer than two values are defined."""
    a = np.asarray(values, float)
    if len(a) < 2 or not np.isfinite(a).all() or _constant(a):
        return float("nan")
    return float(stats.ttest_1samp(a, 0.0).pvalue)


def _constant(values: np.ndarray) -> bool:
    """Whether they differ by no more than rounding."""
    return bool(np.ptp(values) <= 1e-12 * np.abs(values).max())


def holm(p_values: Sequence[float]) -> list[float]:
    """p values of several tests, raised so that all of them together err in 5 % of cases (Holm 1979).

    NaN stays NaN and counts as no test.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, float)
    raised = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    at_least = 0.0
    for place, index in enumerate(order):
        at_least = max(at_least, min(1.0, (len(order) - place) * p[index]))
        raised[index] = at_least
    return raised.tolist()


def spread_of_means(values: Sequence[float], others: int = PAPERS_TRIALS) -> float:
    """How far apart the means of these trainings and of `others` like them may be by chance, 95 %.

    t of n - 1 degrees of freedom · sd · √(1/n + 1/others), because the published trainings' own deviation is not known.
    NaN for fewer than two.
    """
    a = np.asarray(values, float)
    if len(a) < 2 or not np.isfinite(a).all():
        return float("nan")
    return float(stats.t.ppf(0.975, len(a) - 1) * a.std(ddof=1) * np.sqrt(1 / len(a) + 1 / others))
