"""Scores of named emotions by confusion matrices, and what other speakers would do to them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, recall_score

from experiments.report.confusion import CATEGORY_MEASURES, CategoryPredictions
from experiments.report.speakers import drawn_scores, interval

CLASSES = ["anger", "fear", "joy", "neutral"]


def table(seed=0, count=60, hit=0.6, absent=(), speakers=6):
    rng = np.random.default_rng(seed)
    truth = rng.choice([name for name in CLASSES if name not in absent], count)
    told = np.where(rng.random(count) < hit, truth, rng.choice(CLASSES, count))
    return pd.DataFrame(
        {
            "utterance_id": [f"{n}.wav" for n in range(count)],
            "speaker": [str(n % speakers) for n in range(count)],
            "truth": truth,
            "prediction": told,
            **{f"p_{name}": 0.25 for name in CLASSES},
        }
    )


def by_scikit_learn(truth, told, measure):
    present = sorted(set(truth))
    if measure == "accuracy":
        return accuracy_score(truth, told)
    if measure == "uar":
        return recall_score(truth, told, labels=present, average="macro", zero_division=0)
    return f1_score(truth, told, labels=present, average=measure.removeprefix("f1_"), zero_division=0)


@pytest.mark.parametrize("measure", CATEGORY_MEASURES)
@pytest.mark.parametrize("absent", [(), ("fear",)])
def test_measures_are_those_of_scikit_learn(measure, absent):
    one = table(absent=absent)
    found = CategoryPredictions.of_table(one).measured(measure).value
    assert found == pytest.approx(by_scikit_learn(one["truth"], one["prediction"], measure), abs=1e-12)


def test_sentences_of_no_class_of_the_model_are_left_out():
    one = table()
    more = pd.concat([one, one.head(3).assign(truth=["boredom", "", "boredom"])], ignore_index=True)
    assert len(CategoryPredictions.of_table(more).truth) == len(one)


@pytest.mark.parametrize("measure", CATEGORY_MEASURES)
def test_drawn_scores_are_those_of_the_drawn_sentences(measure):
    """The same draws of speakers, with the sentences themselves."""
    one = table()
    drawn, names = drawn_scores([CategoryPredictions.of_table(one).measured(measure)], draws=20, seed=3)
    weights = np.random.default_rng(3).multinomial(len(names), np.full(len(names), 1 / len(names)), 20)
    for value, counts in zip(drawn, weights, strict=True):
        rows = pd.concat([one[one["speaker"] == name] for name, n in zip(names, counts, strict=True) for _ in range(n)])
        assert value == pytest.approx(by_scikit_learn(rows["truth"], rows["prediction"], measure), abs=1e-12)


def test_folds_are_one_test_set():
    one = table(speakers=4)
    folds = [CategoryPredictions.of_table(rows).measured("accuracy") for _, rows in one.groupby("speaker")]
    whole = CategoryPredictions.of_table(one).measured("accuracy")
    assert np.array_equal(drawn_scores(folds, draws=50)[0], drawn_scores([whole], draws=50)[0])


def test_more_alike_speakers_make_a_narrower_interval():
    """Speakers of whom all, or none, are told right, beside speakers who are all told alike."""
    rows = table(hit=1.0, speakers=10, count=200)
    wrong = {"anger": "fear", "fear": "anger", "joy": "anger", "neutral": "anger"}
    of_speakers = rows.assign(prediction=rows["truth"].where(rows["speaker"].astype(int) < 6, rows["truth"].map(wrong)))
    index = pd.Series(range(200))
    alike = rows.assign(prediction=rows["truth"].where((index // 10) % 10 < 6, rows["truth"].map(wrong)))
    spread = []
    for one in (of_speakers, alike):
        told = CategoryPredictions.of_table(one).measured("accuracy")
        assert told.value == pytest.approx(0.6)
        found = interval(*drawn_scores([told]))
        assert found.low <= 0.6 <= found.high
        spread.append(found.high - found.low)
    assert spread[0] > 0.5
    assert spread[1] < 1e-9
