"""Tests of significance against values worked out by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from experiments.report.significance import holm, one_sample, spread_of_means, welch


def test_welch_by_hand():
    """Unequal sizes and variances: t and Satterthwaite's degrees of freedom from their definitions."""
    a, b = [0.51, 0.53, 0.52, 0.55], [0.50, 0.49, 0.515, 0.48, 0.47]
    var = [np.var(x, ddof=1) / len(x) for x in (a, b)]
    t = (np.mean(a) - np.mean(b)) / math.sqrt(sum(var))
    df = sum(var) ** 2 / (var[0] ** 2 / 3 + var[1] ** 2 / 4)
    assert welch(a, b) == pytest.approx(2 * stats.t.sf(abs(t), df), rel=1e-10)
    assert welch(a, b) == welch(b, a)


def test_what_cannot_be_tested():
    assert math.isnan(welch([0.5], [0.4, 0.5]))
    assert math.isnan(welch([0.5, math.nan], [0.4, 0.5]))
    assert welch([0.5, 0.5], [0.5, 0.5]) == 1.0
    assert math.isnan(welch([0.5, 0.5], [0.4, 0.4]))  # nothing varies that a test could go by
    assert math.isnan(one_sample([0.1]))
    assert math.isnan(spread_of_means([0.1]))


def test_holm_by_hand():
    # Sorted .005 .01 .03 .04 times 4 3 2 1, and never below the one before.
    assert holm([0.01, 0.04, 0.005, 0.03]) == pytest.approx([0.03, 0.06, 0.02, 0.06])
    raised = holm([0.02, math.nan, 0.6])
    assert raised[0] == pytest.approx(0.04)
    assert math.isnan(raised[1])
    assert raised[2] == pytest.approx(0.6)


def test_one_sample_and_spread_by_hand():
    values = [0.01, 0.03, 0.02]
    # mean .02, deviation .01, t = .02 / (.01 / √3) with 2 degrees of freedom.
    assert one_sample(values) == pytest.approx(2 * stats.t.sf(2 * math.sqrt(3), 2), rel=1e-10)
    # t of 2 degrees of freedom is 4.3027; five published trainings.
    assert spread_of_means(values) == pytest.approx(4.3026527 * 0.01 * math.sqrt(1 / 3 + 1 / 5), rel=1e-6)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_equal_trainings_are_outside_their_spread_as_often_as_they_should(count):
    rng = np.random.default_rng(count)
    outside = 0
    for _ in range(4000):
        ours, published = rng.normal(0, 1, count), rng.normal(0, 1, 5)
        outside += abs(ours.mean() - published.mean()) > spread_of_means(ours)
    # 5 % of 4,000, whose own deviation is .35 %; four of them.
    assert abs(outside / 4000 - 0.05) < 0.014
