import json

import pytest
import torch
from references.concordance import concordance as slow_concordance

from sermodels.functional import concordance
from sermodels.losses import ccc_loss, reconstruction_loss


@pytest.mark.parametrize(("n", "seed"), [(2, 0), (11, 1), (704, 2)])
def test_equals_the_equation(n, seed):
    x, y = torch.randn(2, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    # float64 sums of at most 704 terms in two orders differ by a few units in the last place.
    assert concordance(x, y).item() == pytest.approx(slow_concordance(x.tolist(), y.tolist()), abs=1e-12)


def test_golden_losses_of_the_released_program(real_data):
    golden = json.loads((real_data / "golden" / "golden_vectors.json").read_text())["ccc"]
    for case in golden:
        x = torch.tensor(case["output"], dtype=torch.float64)
        y = torch.tensor(case["target"], dtype=torch.float64)
        # The golden numbers were computed in float32.
        assert 1 - concordance(x, y, "released").item() == pytest.approx(case["loss_as_released"], abs=1e-6)
        assert concordance(x, y).item() == pytest.approx(case["ccc_population"], abs=1e-6)


def test_perfect_prediction_is_one_and_the_released_mixture_falls_short_by_one_nth():
    x = torch.randn(50, dtype=torch.float64)
    assert concordance(x, x).item() == pytest.approx(1, abs=1e-12)
    assert concordance(x, x, "released").item() == pytest.approx(1 - 1 / 50, abs=1e-12)


def test_shift_scale_and_sign_are_punished():
    x = torch.randn(100, dtype=torch.float64)
    assert concordance(x + 1, x) < 0.9
    assert concordance(2 * x, x) < 0.9
    assert concordance(-x, x) < 0


@pytest.mark.parametrize(
    ("x", "y", "value"),
    [
        ([1.0, 1.0], [1.0, 1.0], 1.0),
        ([1.0, 1.0], [2.0, 2.0], 0.0),
        ([1.0, 1.0], [0.0, 1.0], 0.0),
        ([3.0], [3.0], 1.0),
    ],
)
def test_constant_inputs_give_numbers_and_finite_gradients(x, y, value):
    prediction = torch.tensor(x, requires_grad=True)
    result = concordance(prediction, torch.tensor(y))
    assert result.item() == value
    result.backward()
    assert torch.isfinite(prediction.grad).all()


def test_one_value_gives_numbers_as_released_too():
    prediction = torch.tensor([1.0], requires_grad=True)
    result = concordance(prediction, torch.tensor([2.0]), "released")
    result.backward()
    assert result.item() == 0
    assert torch.isfinite(prediction.grad).all()


def test_gradient():
    x = torch.randn(7, 2, dtype=torch.float64, requires_grad=True)
    y = torch.randn(7, 2, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda p: concordance(p, y).sum(), (x,))


def test_half_precision_predictions_are_summed_in_float32():
    x = torch.randn(704).bfloat16()
    y = torch.randn(704)
    assert concordance(x, y) == concordance(x.float(), y)


def test_loss_repeats_labels_for_chunks_and_averages_attributes():
    predictions = torch.randn(4, 3, 2, dtype=torch.float64)
    labels = torch.randn(4, 2, dtype=torch.float64)
    one_by_one = [
        1
        - slow_concordance(
            predictions[:, :, a].flatten().tolist(), [v for v in labels[:, a].tolist() for _ in range(3)]
        )
        for a in range(2)
    ]
    assert ccc_loss(predictions, labels).item() == pytest.approx(sum(one_by_one) / 2, abs=1e-12)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="differ in shape"):
        concordance(torch.zeros(3), torch.zeros(4))
    with pytest.raises(ValueError, match="population"):
        concordance(torch.zeros(3), torch.zeros(3), "sample")
    with pytest.raises(ValueError, match=r"reconstructed \(2, 3\) and chunks \(2, 1\) differ in shape"):
        reconstruction_loss(torch.zeros(2, 3), torch.zeros(2, 1))
