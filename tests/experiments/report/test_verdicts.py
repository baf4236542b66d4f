"""Claims and distances, on numbers whose verdicts are known."""

import numpy as np
import pytest
from planted_tables import COLUMN, analysis, values

from experiments.report.comparison import Values
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
        ({"rises": ["low", "middle", "high"]}, HELD),
        ({"falls": ["low", "middle", "high"]}, NOT_HELD),
        ({"falls": ["high", "middle", "low"]}, HELD),
        ({"rises": ["low", "also_low"]}, CANNOT_BE_TOLD),
        ({"better": [["high", "low"]], "attributes": ["valence"]}, CANNOT_BE_TOLD),
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


def test_a_gain_over_another_table(numbers):
    claim = {"text": "it rises", "gain": {"over": "temporal_2", "rows": ["low", "high"], "percent": 2.2}}
    made = analysis(numbers, claims=[claim])
    assert made.verdicts[0].verdict == CANNOT_BE_TOLD
    assert "temporal_2" in made.verdicts[0].detail
    before = {
        (row, COLUMN): Values([value / 1.1 for value in numbers[row].trials], numbers[row].predictions)
        for row in ("low", "high")
    }
    object.__setattr__(made, "others", {"temporal_2": before})
    del made.__dict__["verdicts"]
    # Every value is 1.1 times the one before, so every trial's gain is 10 % and nothing varies.
    assert "+10.0 %" in made.verdicts[0].detail
    nudges = np.array([0.01, 0, -0.01, 0.005, 0])
    nudged = {key: Values(list(np.array(one.trials) + nudges), []) for key, one in before.items()}
    object.__setattr__(made, "others", {"temporal_2": nudged})
    del made.__dict__["verdicts"]
    assert made.verdicts[0].verdict == HELD


def test_parameters_are_counted(numbers):
    claim = {"text": "fewer", "parameters": {"row": "middle", "against": "high", "fewer_percent": 33}}
    made = analysis(numbers, claims=[claim])
    for counts, expected in (({"middle": 67, "high": 100}, HELD), ({"middle": 80, "high": 100}, NOT_HELD)):
        object.__setattr__(made, "parameters", counts)
        made.__dict__.pop("verdicts", None)
        assert made.verdicts[0].verdict == expected


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
