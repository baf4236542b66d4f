import pytest
import torch

from sermodels.functional import concordance
from sermodels.metrics import ConcordanceCorrelation


def test_batches_give_the_value_of_the_whole_set():
    predictions, targets = torch.randn(2, 37, 3)
    metric = ConcordanceCorrelation()
    for part in torch.arange(37).split(5):
        metric.update(predictions[part], targets[part])
    whole = concordance(predictions.double(), targets.double())
    assert torch.equal(metric.compute(), whole)
    mean_of_batches = torch.stack([concordance(predictions[p], targets[p]) for p in torch.arange(37).split(5)]).mean(0)
    assert not torch.allclose(mean_of_batches.double(), whole, atol=1e-3)


def test_sentences_without_ratings_are_left_out():
    predictions, targets = torch.randn(2, 10, 1)
    targets[3] = torch.nan
    metric = ConcordanceCorrelation()
    metric.update(predictions, targets)
    rated = torch.arange(10) != 3
    assert metric.compute().item() == pytest.approx(
        concordance(predictions[rated].double(), targets[rated].double()).item(), abs=1e-12
    )


def test_no_ratings_at_all():
    metric = ConcordanceCorrelation()
    metric.update(torch.randn(4, 1), torch.full((4, 1), torch.nan))
    assert metric.compute().isnan().all()


def test_computing_without_sentences_is_refused():
    with pytest.raises(RuntimeError, match="no sentence"):
        ConcordanceCorrelation().compute()
