"""Planted effects get the right verdicts, and differences that are none get none."""

import numpy as np
import pytest
from planted_tables import COLUMN, SENTENCES, SPEAKERS, truth, values
from scipy import stats

from experiments.report.comparison import HIGHER, LOWER, SAME, UNKNOWN, Values, compare
from experiments.report.concordance import Predictions, parts_of
from experiments.report.definition import read_scale, read_table


def ask(*pairs):
    return compare([(f"row {n}", f"other {n}", COLUMN, one, other) for n, (one, other) in enumerate(pairs)], draws=1000)


def test_a_true_difference_is_told_by_both():
    rng = np.random.default_rng(0)
    better, worse = values(rng, 0.8), values(rng, 0.5)
    up, down = ask((better, worse), (worse, better))
    assert (up.papers, up.sound, up.why) == (HIGHER, HIGHER, "")
    assert (down.papers, down.sound) == (LOWER, LOWER)
    assert up.difference == pytest.approx(-down.difference) == pytest.approx(better.mean - worse.mean)
    assert up.speakers.low > 0


def test_trainings_that_differ_more_than_parts_do():
    """Five trainings each, whose means lie apart by luck: the papers' 20 values make much of it."""
    rng = np.random.default_rng(1)
    lucky, unlucky = (values(rng, slope, between_seeds=0.1) for slope in (0.62, 0.6))
    (one,) = ask((lucky, unlucky))
    assert one.sound == SAME
    found = [ask((values(rng, 0.6, 0.12), values(rng, 0.6, 0.12)))[0] for _ in range(30)]
    told = [one for one in found if one.papers != SAME]
    assert len(told) >= 5
    assert any("other trainings may turn it round" in one.why for one in told)


def test_one_training_says_nothing_of_others():
    rng = np.random.default_rng(2)
    (one,) = ask((values(rng, 0.8, trials=1), values(rng, 0.5, trials=1)))
    assert one.sound == UNKNOWN
    assert one.papers == HIGHER  # of four parts each
    assert "1 training says nothing" in one.why


def test_values_that_are_not_defined_are_no_test():
    rng = np.random.default_rng(3)
    broken = Values([np.nan, 0.5], values(rng, 0.6, trials=2).predictions)
    (one,) = ask((broken, values(rng, 0.6, trials=2)))
    assert one.sound == UNKNOWN


def test_many_comparisons_are_corrected():
    """A difference that is told alone is not told among forty."""
    rng = np.random.default_rng(4)
    weak = (values(rng, 0.73, 0.03), values(rng, 0.6, 0.03))
    (alone,) = ask(weak)
    assert alone.sound == HIGHER
    together = ask(weak, *((values(rng, 0.6, 0.03), values(rng, 0.6, 0.03)) for _ in range(39)))
    assert together[0].p_trials == alone.p_trials
    assert all(one.sound == SAME for one in together)
    assert any("of 40 comparisons some come out so by chance" in one.why for one in together)


def test_few_speakers_are_told_and_decide_nothing():
    rng = np.random.default_rng(5)
    better, worse = values(rng, 0.9), values(rng, 0.4)

    def of_few(one):
        few = [type(p)(p.truth[:40], p.prediction[:40], p.parts[:40], p.speakers[:40]) for p in one.predictions]
        return Values([p.ccc for p in few], few)

    (one,) = ask((of_few(better), of_few(worse)))
    assert one.speakers.speakers == 5
    assert not one.speakers.enough
    assert one.sound == HIGHER


def test_null_tables():
    """200 tables of three comparisons in which nothing is different, whose trainings differ more than parts do.

    The sound test errs in at most 7 % of the tables; the papers' errs far more often, which is why both are printed.
    """
    rng = np.random.default_rng(6)
    sound = papers = comparisons = wrong = 0
    for _ in range(200):
        rows = [values(rng, 0.6, between_seeds=0.06) for _ in range(4)]
        found = ask(*((one, rows[0]) for one in rows[1:]))
        sound += any(one.sound in (HIGHER, LOWER) for one in found)
        papers += any(one.papers in (HIGHER, LOWER) for one in found)
        wrong += sum(one.papers in (HIGHER, LOWER) for one in found)
        comparisons += len(found)
    assert sound / 200 <= 0.07
    assert papers / 200 > 0.2
    assert wrong / comparisons > 0.1


def test_speakers_that_a_model_tells_better_are_no_better_model():
    """Every speaker is told too high or too low by a model, in all its trainings: other speakers would turn it round.

    Trainings alike, so that the trainings' test finds many such differences; that over speakers errs as it should.
    """
    rng = np.random.default_rng(8)
    y, spoken_by, names = truth()
    parts = parts_of(names)

    def model():
        bias = np.repeat(rng.normal(0, 0.5, SPEAKERS), SENTENCES)
        told = [4 + 0.6 * (y - 4) + bias + rng.normal(0, 0.1, len(y)) for _ in range(3)]
        made = [Predictions(y, one, parts, spoken_by.astype(str)) for one in told]
        return Values([one.ccc for one in made], made)

    found = [ask((model(), model()))[0] for _ in range(200)]
    by_trainings = np.mean([one.p_trials < 0.05 for one in found])
    by_speakers = np.mean([one.speakers.p < 0.05 for one in found])
    assert by_trainings > 0.5
    # 5 % by design; percentiles of 30 speakers' draws are a little narrow.
    assert by_speakers < 0.12
    assert sum(one.sound != SAME for one in found) / 200 < 0.12
    assert any("other speakers may turn it round" in one.why for one in found)


def test_the_papers_test_is_told_by_the_papers_means():
    """Of parts and of whole sets means may lie in another order."""
    rng = np.random.default_rng(9)
    (one,) = ask((values(rng, 0.8), values(rng, 0.5)))
    assert one.papers_difference == pytest.approx(one.difference, abs=0.05)
    assert one.papers_difference != one.difference


def test_folds_are_compared_fold_by_fold():
    """A small gain in every fold, which the folds' own differences hide from Welch's test."""
    rng = np.random.default_rng(0)
    folds = rng.normal(0.6, 0.1, 10)
    gain = 0.02 + rng.normal(0, 0.005, 10)
    one, another = Values([*(folds + gain)], []), Values([*folds], [])
    (paired,) = compare([("one", "other", COLUMN, one, another)], paired=True)
    (unpaired,) = compare([("one", "other", COLUMN, one, another)])
    assert paired.p_trials == pytest.approx(stats.ttest_rel(folds + gain, folds).pvalue, rel=1e-9)
    assert (paired.sound, unpaired.sound) == (HIGHER, SAME)


def test_of_folds_those_that_both_have_are_compared():
    one, another = Values([0.5, 0.6, 0.9], [], (0, 1, 2)), Values([0.4, 0.45], [], (1, 0))
    (made,) = compare([("one", "other", COLUMN, one, another)], paired=True)
    assert made.p_trials == pytest.approx(stats.ttest_rel([0.5, 0.6], [0.45, 0.4]).pvalue, rel=1e-9)
    same = Values([0.5, 0.6], [])
    assert compare([("one", "other", COLUMN, same, same)], paired=True)[0].p_trials == 1


def test_small_scales_pair_their_folds_and_others_do_not():
    assert read_scale("small").paired
    assert not read_scale("full").paired
    assert not read_scale("tiny").paired
    assert read_table("began_3").scales["full"].paired
