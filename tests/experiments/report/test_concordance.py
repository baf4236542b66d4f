"""CCC values, parts of the test set, and drawn speakers, against slow references."""

import numpy as np
import pandas as pd
import pytest
from confidence_intervals import evaluate_with_conf_int
from planted_tables import training, truth
from references.concordance import concordance

from experiments.report import speakers
from experiments.report.concordance import Predictions, ccc, ccc_of_sums, parts_of, sentence_sums
from experiments.report.speakers import drawn_scores, interval


def test_ccc_is_lins():
    rng = np.random.default_rng(0)
    y, p = rng.uniform(1, 7, 200), rng.uniform(1, 7, 200)
    expected = concordance(y.tolist(), p.tolist())
    # Means of 200 doubles, added in another order; sums lose a little more, as squares' differences do.
    assert ccc(y, p) == pytest.approx(expected, rel=1e-13)
    assert ccc_of_sums(sentence_sums(y, p).sum(0)) == pytest.approx(expected, rel=1e-11)


def test_a_ccc_of_constants_is_not_defined():
    y = np.array([1.0, 2.0, 3.0])
    for truth_, told in ((y, np.full(3, 4.1)), (np.full(3, 4.1), y), (np.empty(0), np.empty(0)), (y[:1], y[:1])):
        assert np.isnan(ccc(truth_, told))
        with np.errstate(invalid="ignore"):
            assert np.isnan(ccc_of_sums(sentence_sums(truth_, told).sum(0)))


@pytest.mark.parametrize("count", [4, 7, 100, 1001])
def test_parts_are_a_partition_equal_to_within_one_and_belong_to_names(count):
    names = [f"{n}.wav" for n in range(count)]
    part = parts_of(names)
    sizes = np.bincount(part, minlength=4)
    assert sizes.max() - sizes.min() <= 1
    assert sizes.sum() == count
    order = np.random.default_rng(1).permutation(count)
    assert (parts_of([names[place] for place in order]) == part[order]).all()


def test_sentences_without_ratings_are_left_out_and_nobody_is_a_speaker_of_his_own():
    table = pd.DataFrame(
        {
            "utterance_id": ["a.wav", "b.wav", "c.wav", "d.wav"],
            "speaker": ["1", "Unknown", "", "1"],
            "truth": [1.0, 2.0, 3.0, np.nan],
            "prediction": [1.5, 2.0, 2.5, 9.0],
        }
    )
    made = Predictions.of_table(table)
    assert len(made.truth) == 3
    assert len(made.by_speaker()) == 3
    drawn, names = drawn_scores([made], draws=50)
    assert interval(drawn, names).speakers == 1  # by name; a hundred strangers would prove nothing
    assert made.ccc == pytest.approx(concordance([1, 2, 3], [1.5, 2, 2.5]))


def test_the_interval_is_that_of_a_well_known_package():
    """Speakers drawn by `confidence_intervals`, whose conditions are ours."""
    one = training(np.random.default_rng(3), 0.7, 0.0, of_speakers=0.4)
    drawn, names = drawn_scores([one], draws=4000)
    ours = interval(drawn, names)
    codes = np.unique(one.speakers, return_inverse=True)[1]
    centre, (low, high) = evaluate_with_conf_int(
        one.prediction, lambda labels, samples: ccc(labels, samples), one.truth, codes, num_bootstraps=2000
    )
    assert centre == pytest.approx(one.ccc)
    # An end of 2,000 draws has a deviation of about a twentieth of the interval; five of them.
    assert abs(ours.low - low) < 0.25 * (high - low)
    assert abs(ours.high - high) < 0.25 * (high - low)
    assert ours.speakers == len(set(one.speakers.tolist()))


def test_drawn_values_are_those_of_the_drawn_sentences():
    """A few draws done the slow way, sentence by sentence."""
    one = training(np.random.default_rng(4), 0.6, 0.0)
    _, spoken_by, _ = truth()
    names = sorted(set(spoken_by.tolist()))
    drawn, _ = drawn_scores([one], draws=5, seed=11)
    weights = np.random.default_rng(11).multinomial(len(names), np.full(len(names), 1 / len(names)), 5)
    for value, times in zip(drawn, weights, strict=True):
        rows = [
            place
            for name, time in zip(names, times, strict=True)
            for place in list(np.flatnonzero(spoken_by == name)) * time
        ]
        assert value == pytest.approx(concordance(one.truth[rows].tolist(), one.prediction[rows].tolist()), rel=1e-10)


def test_a_paired_difference_is_told_better_than_two_intervals():
    rng = np.random.default_rng(5)
    one = training(rng, 0.6, 0.0)
    better = Predictions(one.truth, one.prediction + 0.1 * (one.truth - 4), one.parts, one.speakers)
    (a, names), (b, _) = drawn_scores([one]), drawn_scores([better])
    paired, alone = interval(b - a, names), interval(a, names)
    assert paired.low > 0
    assert paired.high - paired.low < 0.5 * (alone.high - alone.low)


def test_folds_are_one_test_set():
    """Trainings tested on other speakers cannot be averaged draw by draw; their sentences are put together."""
    whole = training(np.random.default_rng(6), 0.6, 0.0)
    first = whole.speakers < "speaker 2"
    folds = [
        Predictions(whole.truth[rows], whole.prediction[rows], whole.parts[rows], whole.speakers[rows])
        for rows in (first, ~first)
    ]
    (apart, names), (together, names_together) = drawn_scores(folds), drawn_scores([whole])
    assert names == names_together
    assert np.allclose(apart, together, rtol=1e-12)


def test_draws_in_blocks_are_the_same(monkeypatch):
    """Thousands of speakers' weights would not fit into memory at once."""
    one = training(np.random.default_rng(8), 0.6, 0.0)
    whole, _ = drawn_scores([one], draws=100)
    monkeypatch.setattr(speakers, "BLOCK", 7 * len(one.by_speaker()))
    # The same draws; sums in another order.
    assert np.allclose(drawn_scores([one], draws=100)[0], whole, rtol=1e-12)
