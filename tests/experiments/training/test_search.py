"""A search inside the training set: nothing of the test set reaches it, and a kill costs one trial."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_training import sentence_set

from datamodules.errors import ConfigurationError, DataError
from experiments.config.composing import composed
from experiments.config.from_hydra import make_plan
from experiments.training import search as searching
from experiments.training.one_run import train
from experiments.training.search import inner_folds

SMALL = [
    "model=frozen_classifier",
    "pretrained.weights=random",
    "encoder.num_filters=2",
    "search.trials=3",
    "search.folds=2",
    "search.rounds=1",
    "rounds=1",
    "batch_size=16",
    "unlabeled_size=0",
    "data.corpus.train=20",
]


def run(tiny, *more):
    own = [one for one in tiny if not one.startswith(("rounds", "training_defaults", "unlabeled", "batch"))]
    # A corpus of another size than the session's lies elsewhere.
    own = [f"{one}-of-20" if one.startswith("data.root=") else one for one in own]
    own = [one for one in own if not one.startswith("data.corpus.train=")]
    return train(make_plan(composed(*own, *SMALL, *more)))


def trials(result):
    return [{k: v for k, v in one.items() if k != "seconds"} for one in result.search_trials()]


class KilledError(BaseException):
    """As a kill would be: nothing catches it."""


def test_a_killed_search_goes_on_as_if_it_never_had_been(tiny, tmp_path, monkeypatch):
    whole = run(tiny)
    assert [one["trial"] for one in trials(whole)] == [0, 1, 2]
    elsewhere = [one.replace(str(tmp_path / "runs"), str(tmp_path / "again")) for one in tiny]
    fit, done = searching.fit, []

    def dies(*arguments):
        if len(done) == 3:  # in the second trial's second inner training
            raise KilledError
        done.append(1)
        return fit(*arguments)

    monkeypatch.setattr(searching, "fit", dies)
    with pytest.raises(KilledError):
        run(elsewhere)
    monkeypatch.setattr(searching, "fit", fit)
    (directory,) = (tmp_path / "again").iterdir()
    assert len((directory / "search.jsonl").read_text().splitlines()) == 1
    with (directory / "search.jsonl").open("a") as file:
        file.write('{"trial": 1, "opt')  # half a line
    again = run(elsewhere)
    assert trials(again) == trials(whole)
    assert again.metrics == whole.metrics
    assert again.predictions("test1").equals(whole.predictions("test1"))


def test_the_best_trial_is_what_is_trained(tiny):
    result = run(tiny)
    assert (result.path / "confusion-test1.png").read_bytes().startswith(b"\x89PNG")
    best = max(trials(result), key=lambda one: one["score"])  # the first of equals
    saved = torch.load(result.best, weights_only=True)["hyper_parameters"]
    assert saved["lr"] == best["options"]["model.lr"]
    for name, value in best["options"].items():
        place, option = name.split(".")
        assert (saved if place == "model" else saved[place])[option] == value


def test_a_leak_of_the_test_set_moves_nothing(tiny, tmp_path, monkeypatch):
    """Test sentences with their labels turned round, and features that give these away: the search does not move."""
    whole = run(tiny)
    elsewhere = [one.replace(str(tmp_path / "runs"), str(tmp_path / "leaked")) for one in tiny]
    make = searching.searched

    def leaking(plan, search, task, data, result):
        test = data.sets["test1"]
        test.labels = (test.labels + 1) % 2
        test.frames = test.frames.clone() * 0 + 7  # a copy: the others keep theirs
        test.sums = None
        return make(plan, search, task, data, result)

    monkeypatch.setattr("experiments.training.search.searched", leaking)
    leaked = run(elsewhere)
    assert trials(leaked) == trials(whole)
    assert leaked.predictions("development").equals(whole.predictions("development"))
    assert not leaked.predictions("test1").equals(whole.predictions("test1"))  # the plant was there to be found


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            ["+search.space={data.corpus.fold: [1, 2]}"],
            "search.space.data.corpus.fold: only options of what is trained",
        ),
        (["+search.space={seed: [1, 2]}"], "search.space.seed: only options of what is trained"),
        (["+search.space={classifier.depth: [1]}"], "classifier.depth: ConvClassifier has no such option"),
        (["+search.space={model.weight_decay: {low: 1, high: 0}}"], "give a list of values, or low, high .above low."),
        (["+search.space={model.weight_decay: []}"], "give a list of values"),
        (["search.folds=0"], "search.folds=0: set a whole number, 1 or more"),
        (["trainer.devices=2", "batch_size=16"], "search.trials=20: a search trains on one device"),
    ],
)
def test_a_search_that_could_not_be_or_would_reach_the_data_is_refused(options, told):
    with pytest.raises(ConfigurationError, match=told):
        make_plan(composed("model=frozen_classifier", "pretrained.weights=random", *options))


def labeled(speakers, count=24):
    one = sentence_set("L", count, 1)
    one.table["speaker"] = [str(n % speakers) for n in range(count)]
    return one


def test_inner_folds_share_no_speaker_and_leave_nobody_out():
    one = labeled(6)
    folds = list(inner_folds(one, 3, 0))
    assert sorted(torch.cat([held for _, held in folds]).tolist()) == list(range(24))
    for train_rows, held in folds:
        speakers = [set(one.table["speaker"].iloc[rows.tolist()]) for rows in (train_rows, held)]
        assert not speakers[0] & speakers[1]
        assert len(train_rows) + len(held) == 24


def test_where_speakers_are_too_few_or_unknown_sentences_are_dealt_out():
    for one in (labeled(1), labeled(24)):
        one.table["speaker"] = "Unknown" if one.table["speaker"].nunique() > 1 else one.table["speaker"]
        folds = list(inner_folds(one, 3, 0))
        assert sorted(torch.cat([held for _, held in folds]).tolist()) == list(range(24))
        shares = [one.table["emotion"].iloc[held.tolist()].value_counts() for _, held in folds]
        assert np.ptp(pd.DataFrame(shares).fillna(0), axis=0).max() <= 1  # spread evenly


def test_fewer_sentences_than_folds_are_told():
    with pytest.raises(DataError, match=r"24 training sentences cannot be cut into search\.folds=13"):
        list(inner_folds(labeled(2), 13, 0))


def test_a_trial_is_a_line_that_can_be_read(tiny):
    result = run(tiny, "search.folds=1")
    lines = [json.loads(line) for line in (result.path / "search.jsonl").read_text().splitlines()]
    assert [set(line) for line in lines] == [{"trial", "options", "score", "folds", "seconds"}] * 3
    assert all(len(line["folds"]) == 1 for line in lines)
