"""Claims and distances, on numbers whose verdicts are known."""

import numpy as np
import pytest
from planted_tables import COLUMN, analysis, values

from experiments.report.comparison import Values
from experiments.report.sheet import claims_sheet
from experiments.report.verdicts import CANNOT_BE_TOLD, ELSEWHERE, HELD, INSIDE, NOT_HELD, OUTSIDE, distance


@pytest.fixture(scope="module")
def numbers():
    rng = np.random.default_rng(0)
    slopes = {"low": 0.4, "also_low": 0.4, "middle": 0.6, "high": 0.85}
    return {row: values(rng, slope) for row, slope in slopes.items()}


def verdict(numbers, **claim):
    (one,) = analysis(numbers, claims=[{"text": "it is so", **claim}]).verdicts
    return one


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ({"better": [["high", "low"], ["high", "middle"]]}, HELD),
        ({"better": [["high", "low"], ["also_low", "low"]]}, CANNOT_BE_TOLD),
        ({"better": [["low", "high"]]}, NOT_HELD),
        ({"no_better": [["high", "low"]]}, NOT_HELD),
        ({"no_better": [["also_low", "low"]]}, CANNOT_BE_TOLD),
        ({"no_better": [["low", "high"]]}, HELD),
        ({"no_better": [["high", "low"], ["low", "high"]]}, NOT_HELD),
        ({"not_all_better": [["high", "low"], ["low", "high"]]}, HELD),
        ({"not_all_better": [["high", "low"], ["high", "middle"]]}, NOT_HELD),
        ({"not_all_better": [["high", "low"], ["also_low", "low"]]}, CANNOT_BE_TOLD),
        ({"rises": ["low", "middle", "high"]}, HELD),
        ({"falls": ["low", "middle", "high"]}, NOT_HELD),
        ({"falls": ["high", "middle", "low"]}, HELD),
        ({"rises": ["low", "also_low"]}, CANNOT_BE_TOLD),
        ({"elsewhere": "a figure"}, ELSEWHERE),
    ],
    ids=str,
)
def test_claims(numbers, claim, expected):
    assert verdict(numbers, **claim).verdict == expected


def test_missing_runs_leave_a_claim_open(numbers):
    some = {row: one for row, one in numbers.items() if row != "low"}
    assert verdict(some, better=[["high", "low"]]).verdict == CANNOT_BE_TOLD
    assert verdict(some, rises=["low", "middle", "high"]).verdict == CANNOT_BE_TOLD


GAIN = {"text": "it rises", "gain": {"over": "temporal_2", "rows": ["low", "high"], "percent": 2.2}}


def gain(numbers, before):
    others = {"temporal_2": {(row, COLUMN): one for row, one in before.items()}}
    (one,) = analysis(numbers, claims=[GAIN], others=others).verdicts
    return one


def test_a_gain_over_another_table(numbers):
    assert "make that table first" in gain(numbers, {}).detail
    less = {row: Values([value / 1.1 for value in numbers[row].trials], []) for row in ("low", "high")}
    # Every value is 1.1 times the one before, so every trial's gain is 10 % and nothing varies.
    assert (gain(numbers, less).verdict, "+10.0 %" in gain(numbers, less).detail) == (CANNOT_BE_TOLD, True)
    nudges = np.array([0.01, 0, -0.01, 0.005, 0])
    nudged = {row: Values(list(np.array(one.trials) + nudges), []) for row, one in less.items()}
    assert gain(numbers, nudged).verdict == HELD
    negative = {row: Values([-value for value in one.trials], []) for row, one in less.items()}
    assert "CCCs above 0" in gain(numbers, negative).detail


def test_a_gain_of_nothing_is_held_as_seldom_as_it_should():
    """Means of trials are compared, and not trials one by one, whose ratios are too high on average."""
    rng = np.random.default_rng(1)
    held, gains = 0, []
    for _ in range(400):
        numbers = {row: Values(list(rng.normal(0.135, 0.02, 5)), []) for row in ("low", "high")}
        before = {row: Values(list(rng.normal(0.135, 0.02, 5)), []) for row in ("low", "high")}
        told = gain(numbers, before)
        held += told.verdict == HELD
        gains.append(float(told.detail.split(" %")[0]))
    # 2.5 % by design, deviation .8 %; the jackknife errs a little on the wide side of a ratio.
    assert held / 400 < 0.05
    # A gain's deviation is 7 %, so that of their mean .35 %; and one of these means a bias of the ratio itself.
    assert abs(np.mean(gains)) < 1.4


def test_trials_are_compared_by_their_number(numbers):
    """A trial may be a fold: where one is missing the others must not move up."""
    folds = {"low": [0.2, 0.5, 0.8], "middle": [0.3, 0.6, 0.9], "high": [0.41, 0.69, 1.0]}
    some = {row: Values(trials, []) for row, trials in folds.items()}
    some["low"] = Values(folds["low"][1:], [], (1, 2))
    one = verdict(some, rises=["low", "middle", "high"])
    assert "+0.0975 a step" in one.detail  # of folds 1 and 2: .095 and .1


def test_a_claim_of_more_than_was_trained_says_what_it_is_told_of(numbers):
    made = analysis(
        numbers,
        attributes=["arousal", "valence"],
        rows=PLAIN,
        claims=[{"text": "so", "better": [["high", "low"]]}],
        marks={},
    )
    assert (made.verdicts[0].verdict, made.verdicts[0].of) == (HELD, "arousal")
    assert "held (of arousal alone)" in claims_sheet(made).rows[0][1]
    of_valence = {"text": "so", "better": [["high", "low"]], "attributes": ["valence"]}
    two = {"attributes": ["arousal", "valence"], "rows": PLAIN, "marks": {}}
    made = analysis(numbers, claims=[{"text": "so", "better": [["high", "low"]]}], **two)
    assert (made.verdicts[0].verdict, made.verdicts[0].of) == (HELD, "arousal")
    assert "held (of arousal alone)" in claims_sheet(made).rows[0][1]
    of_valence = {"text": "so", "better": [["high", "low"]], "attributes": ["valence"]}
    made = analysis(numbers, claims=[of_valence], **two)
    assert made.verdicts[0].verdict == CANNOT_BE_TOLD


PLAIN = {row: {"name": row, "overrides": ["model=temp_gru"]} for row in ("low", "also_low", "middle", "high")}


def test_parameters_are_counted(numbers):
    claim = {"text": "fewer", "parameters": {"row": "middle", "against": "high", "fewer_percent": 33}}
    for counts, expected in (({"middle": 67, "high": 100}, HELD), ({"middle": 80, "high": 100}, NOT_HELD)):
        assert analysis(numbers, claims=[claim], parameters=counts).verdicts[0].verdict == expected


def test_distance_to_a_published_value(numbers):
    one = numbers["high"]
    assert distance(one.papers_mean, one)[1] == INSIDE
    away, verdict = distance(one.papers_mean - 0.3, one)
    assert (round(away, 6), verdict) == (0.3, OUTSIDE)
    alone = Values(one.trials[:1], one.predictions[:1])
    assert distance(0.5, alone)[1] == CANNOT_BE_TOLD


def test_the_papers_mean_is_that_of_twenty_values(numbers):
    one = numbers["high"]
    assert len(one.of_parts) == 20
    assert one.papers_mean == pytest.approx(np.mean([p for told in one.predictions for p in told.of_parts]))
    assert one.papers_mean != one.mean
