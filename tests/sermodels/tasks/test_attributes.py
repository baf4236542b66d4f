"""Attributes: ratings as numbers, learnt and judged by their CCC."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from labelled_sentences import sentences
from references.concordance import concordance as slow_concordance

from datamodules.errors import DataError
from datamodules.labels import ATTRIBUTES
from sermodels.losses import ccc_loss
from sermodels.metrics import BatchedChunkLoss
from sermodels.tasks.attributes import Attributes
from sermodels.tasks.categories import Categories

WHERE = "/corpora/some"


@pytest.mark.parametrize("attribute", [*ATTRIBUTES, "all"])
def test_attributes_come_back_on_the_corpus_scale(attribute):
    """fitted, encode and then table or tell: a model that told the labels would be right."""
    table = sentences(["" for _ in range(50)])
    scale = Attributes(attribute).fitted(table, WHERE)
    task = Attributes(attribute, **scale)
    labels = task.encode(table)
    assert labels.shape == (50, task.num_outputs)
    assert labels.dtype == torch.float32
    assert task.names == task.output_names == (ATTRIBUTES if attribute == "all" else (attribute,))
    # Sums of 50 float32 numbers of about 1.
    torch.testing.assert_close(labels.mean(0), torch.zeros(task.num_outputs), atol=1e-6, rtol=0)
    torch.testing.assert_close(labels.std(0, correction=0), torch.ones(task.num_outputs), atol=1e-6, rtol=0)
    told = task.tell(labels)
    predictions = task.table(labels, table)
    assert list(predictions) == ["utterance_id", "speaker", "attribute", "truth", "prediction"]
    for name in task.names:
        # float32 of numbers up to 7.
        assert [one[name] for one in told] == pytest.approx(table[name].tolist(), abs=1e-5)
        of_name = predictions[predictions["attribute"] == name]
        assert of_name["truth"].tolist() == table[name].tolist()
        assert of_name["prediction"].tolist() == pytest.approx(table[name].tolist(), abs=1e-5)
        assert of_name["utterance_id"].tolist() == table["utterance_id"].tolist()
        assert of_name["speaker"].tolist() == table["speaker"].tolist()
    score = task.score(predictions)
    assert score["n"] == 50
    assert list(score["ccc"]) == list(task.names)
    assert task.objective(score) == pytest.approx(1, abs=1e-9)


def test_the_scale_is_trains_mean_and_population_deviation():
    table = sentences(arousal=[1.0, 2.0, 6.0, np.nan])
    fitted = Attributes("arousal").fitted(table, WHERE)
    assert fitted == {"scale": {"arousal": {"mean": pytest.approx(3.0), "std": pytest.approx((14 / 3) ** 0.5)}}}
    assert type(fitted["scale"]["arousal"]["mean"]) is float  # plain data, which a checkpoint can keep
    labels = Attributes("arousal", **fitted).encode(table)
    assert labels.isnan().flatten().tolist() == [False, False, False, True]


def test_without_a_scale_values_are_as_they_are():
    table = sentences(arousal=[1.0, 2.5, 7.0])
    task = Attributes()
    assert task.encode(table).flatten().tolist() == [1.0, 2.5, 7.0]
    assert task.tell(torch.tensor([[2.5]])) == [{"arousal": 2.5}]


def test_constant_ratings_are_refused():
    table = sentences(valence=[4.0, 4.0, 4.0])
    for attribute in ("valence", "all"):
        with pytest.raises(DataError, match=r"/corpora/some: all training sentences have the same valence, 4;"):
            Attributes(attribute).fitted(table, WHERE)
    assert Attributes("arousal").fitted(table, WHERE)


def test_an_attributes_loss_is_the_ccc_of_chunks_and_its_sentences_are_means():
    torch.manual_seed(0)
    outputs, labels = torch.randn(6, 4, 3), torch.randn(6, 3)
    for variance in ("population", "released"):
        task = Attributes("all", ccc_variance=variance)
        assert torch.equal(task.loss(outputs, labels), ccc_loss(outputs, labels, variance))
    assert torch.equal(task.of_sentences(outputs), outputs.mean(1))
    assert task.of_sentences(outputs.bfloat16()).dtype == torch.float32


@pytest.mark.parametrize("attribute", ["dominance", "all"])
def test_attributes_are_validated_over_the_whole_set(attribute):
    torch.manual_seed(0)
    task = Attributes(attribute)
    outputs, labels = torch.randn(30, 4, task.num_outputs), torch.randn(30, task.num_outputs)
    labels[7] = torch.nan
    rated = torch.arange(30) != 7
    found = task.validation(outputs, labels)
    assert tuple(found) == task.scores == (*(f"ccc_{name}" for name in task.names), "ccc", "chunk_loss")
    each = [
        slow_concordance(outputs[rated].mean(1)[:, a].tolist(), labels[rated][:, a].tolist())
        for a in range(task.num_outputs)
    ]
    # Means of four float32 numbers.
    assert [found[f"ccc_{name}"].item() for name in task.names] == pytest.approx(each, abs=1e-6)
    assert found["ccc"].item() == pytest.approx(sum(each) / len(each), abs=1e-6)
    chunks = BatchedChunkLoss()
    chunks.update(outputs, labels)
    assert torch.equal(found["chunk_loss"], chunks.compute())
    assert task.headline in task.scores
    assert task.criterion in task.scores


def test_a_sets_ccc_is_that_of_each_attribute_over_rated_sentences():
    truth = sentences(arousal=[1.0, 3.0, 5.0, np.nan, 2.0])
    task = Attributes("all")
    outputs = torch.tensor([[1.5, 2.0, 3.0], [2.5, 3.0, 1.0], [5.5, 1.0, 4.0], [1.0, 6.0, 2.0], [3.0, 5.0, 5.0]])
    score = task.score(task.table(outputs, truth))
    assert score["n"] == 5  # the fourth is rated by others
    assert score["ccc"]["arousal"] == pytest.approx(slow_concordance([1.5, 2.5, 5.5, 3.0], [1.0, 3.0, 5.0, 2.0]))
    valence = slow_concordance(outputs[:, 2].tolist(), truth["valence"].tolist())
    assert score["ccc"]["valence"] == pytest.approx(valence)
    assert task.objective(score) == pytest.approx(sum(score["ccc"].values()) / 3)
    unrated = truth.assign(**dict.fromkeys(ATTRIBUTES, np.nan))
    nothing = task.score(task.table(outputs, unrated))
    assert nothing == {"n": 0, "ccc": {}}
    assert math.isnan(task.objective(nothing))


def score_of(prediction, truth):
    task = Attributes()
    return task.score(task.table(torch.tensor(prediction)[:, None], sentences(arousal=truth)))["ccc"]["arousal"]


def test_a_ccc_that_is_not_defined_is_none_in_a_score_and_a_number_in_the_loss():
    assert score_of([4.0, 4.0], [4.0, 4.0]) is None
    assert math.isnan(Attributes().objective({"n": 2, "ccc": {"arousal": None}}))
    outputs = torch.full((2, 3, 1), 4.0, requires_grad=True)
    loss = Attributes().loss(outputs, torch.full((2, 1), 4.0))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(outputs.grad, torch.zeros_like(outputs))


@pytest.mark.parametrize(
    ("prediction", "truth"),
    [
        ([4.0, 4.0, 4.0], [3.0, 4.0, 5.0]),  # one is constant
        ([3.0, 4.0, 5.0], [4.0, 4.0, 4.0]),
        ([4.0, 4.0, 4.0], [5.0, 5.0, 5.0]),  # both are, and not the same
    ],
)
def test_a_ccc_with_something_constant_is_not_defined_and_is_zero_to_the_loss(prediction, truth):
    assert score_of(prediction, truth) is None
    outputs = torch.tensor(prediction)[:, None, None]
    assert Attributes().loss(outputs, torch.tensor(truth)[:, None]).item() == 1


def test_attributes_are_of_the_kind_that_the_corpus_says():
    assert Attributes().label_kind("proxy") == "proxy"
    assert Categories().label_kind("proxy") == "named emotions"


def test_predictions_that_most_lie_where_no_rating_does_are_doubted() -> None:
    rows = [("arousal", value) for value in (-6e34, 0.0, 4.0)] + [("valence", value) for value in (0.0, 3.0, 7.0)]
    predictions = pd.DataFrame(rows, columns=["attribute", "prediction"])
    (doubt,) = Attributes("all").doubts(predictions)
    assert doubt == "2 of 3 predictions of arousal are out of the scale 1 to 7, from -6e+34 to 4"
