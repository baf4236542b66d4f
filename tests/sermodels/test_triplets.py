import pytest
import tiny_training
import torch
from references import triplets as slow
from tiny_training import FRAMES, MELS

import sermodels.regularizers.triplets as module
from datamodules.errors import ConfigurationError
from sermodels.regularizers.triplets import draw_triplets, possible_triplets, triplet_loss


@pytest.mark.parametrize(("num_chunks", "window"), [(11, 4), (4, 4), (3, 2), (11, 2), (6, 8), (3, 4)])
def test_possible_triplets_are_those_of_the_definition(num_chunks, window):
    listed = [tuple(one) for one in possible_triplets(num_chunks, window).tolist()]
    assert len(listed) == len(set(listed))
    assert set(listed) == slow.possible_triplets(num_chunks, window)


def test_every_sentence_and_every_iteration_draws_its_own():
    torch.manual_seed(0)
    first, second = draw_triplets(6, 11, 4, 10), draw_triplets(6, 11, 4, 10)
    assert first.shape == (6, 10, 3)
    assert not torch.equal(first, second)
    assert len({str(sentence.tolist()) for sentence in first}) == 6


def test_all_possible_triplets_are_drawn_alike_and_no_others():
    torch.manual_seed(0)
    drawn = draw_triplets(500, 11, 4, 200).flatten(0, 1)
    found, counts = drawn.unique(dim=0, return_counts=True)
    possible = slow.possible_triplets(11, 4)
    assert {tuple(one) for one in found.tolist()} == possible
    expected = len(drawn) / len(possible)
    chi_squared = float(((counts - expected) ** 2 / expected).sum())
    degrees = len(possible) - 1
    # Chi-squared has mean k and deviation sqrt(2k); five deviations are never passed by chance.
    assert chi_squared < degrees + 5 * (2 * degrees) ** 0.5


def test_loss_equals_the_equation():
    torch.manual_seed(0)
    h = torch.randn(3, 11, 5, dtype=torch.float64)
    triplets = draw_triplets(3, 11, 4, 10)
    for margin in (0.0, 1.0):
        expected = slow.triplet_loss(h.tolist(), triplets.tolist(), margin)
        # float64: 30 distances of about 3, summed in two orders.
        assert triplet_loss(h, triplets, margin).item() == pytest.approx(expected, abs=1e-12)
        assert triplet_loss(h.bfloat16(), triplets, margin).dtype == torch.float32


def test_equal_chunks_give_the_margin_and_finite_gradients():
    """A sentence shorter than a chunk is the same chunk over and over."""
    h = torch.ones(2, 11, 5, requires_grad=True)
    loss = triplet_loss(h, draw_triplets(2, 11, 4, 10), 1.0)
    loss.backward()
    assert loss.item() == 1.0
    assert torch.equal(h.grad, torch.zeros_like(h))


def test_the_loss_pulls_neighbours_together_and_pushes_others_away():
    torch.manual_seed(0)
    h = torch.randn(4, 11, 8, requires_grad=True)
    triplets = draw_triplets(4, 11, 4, 50)
    before = triplet_loss(h, triplets, 1.0)
    before.backward()
    after = triplet_loss(h.detach() - h.grad, triplets, 1.0)
    assert after < before


def batch(set_name, chunks=5):
    return tiny_training.batch(set_name, sentences=3, size=(chunks, FRAMES, MELS))


def model(*options):
    return tiny_training.model("temp_triplet", *options)


def test_unlabelled_batches_have_the_triplet_loss_only_where_asked_for():
    assert set(model().losses(batch("L"))) == {"cluster", "ccc", "triplet"} == set(model().loss_weights)
    assert set(model().losses(batch("U"))) == {"cluster"}
    for option in ("regularizers.triplet.on_unlabeled=true", "fidelity.triplet_on_unlabeled=true", "fidelity=released"):
        assert set(model(option).losses(batch("U"))) == {"cluster", "triplet"}


@pytest.mark.parametrize("option", ["gamma_triplet=3.0", "regularizers.triplet.weight=3.0"])
def test_gamma_weighs_the_loss_and_the_seed_of_a_batch_decides_its_triplets(option):
    one = model(option).eval()
    assert one.loss_weights == {"ccc": 1.0, "cluster": 1.0, "triplet": 3.0}
    labeled = batch("L")

    def loss(seed):
        torch.manual_seed(seed)
        return one.losses(labeled)["triplet"].item()

    assert loss(1) == loss(1)
    assert loss(1) != loss(2)


def test_anchor_first_every_anchor_is_as_likely_and_then_its_positive_and_negative():
    """Of 11 chunks at W = 4 the fifth has 4 positives and 6 negatives, the first 2 and 8: 24 triplets against 16."""
    torch.manual_seed(0)
    draws = 60_000
    first, evenly = (draw_triplets(1, 11, 4, draws, anchor_first)[0] for anchor_first in (True, False))
    anchors = torch.bincount(first[:, 0], minlength=11) / draws
    assert (anchors - 1 / 11).abs().max() < 0.006  # five deviations of a share of 60,000
    possible = torch.bincount(possible_triplets(11, 4)[:, 0]) / len(possible_triplets(11, 4))
    assert (torch.bincount(evenly[:, 0], minlength=11) / draws - possible).abs().max() < 0.006
    assert possible.max() / possible.min() > 1.4
    of_first = first[first[:, 0] == 0]
    assert sorted(of_first[:, 1].unique().tolist()) == [1, 2]
    for places in ([1, 2], range(3, 11)):
        column = 1 if len(places) == 2 else 2
        share = torch.stack([(of_first[:, column] == place).double().mean() for place in places])
        assert (share - 1 / len(places)).abs().max() < 0.035  # five deviations of a share of 5,400
    # Of four chunks only the outer two can be anchors.
    assert set(draw_triplets(3, 4, 4, 50, anchor_first=True).flatten(0, 1)[:, 0].tolist()) == {0, 3}


def test_the_presets_choose_how_triplets_are_drawn():
    assert [model(f"fidelity={one}").regularizers["triplet"].anchor_first for one in ("paper", "released")] == [
        *(False, True)
    ]


def test_the_loss_teaches_the_encoder():
    one = model()
    one.losses(batch("L"))["triplet"].backward()
    assert all(p.grad is not None and p.grad.any() for p in one.encoder.output.parameters())
    assert one.cluster_classifier.top.weight.grad is None


@pytest.mark.parametrize("as_released", ["regularizers.triplet.draw=batch", "fidelity=released"])
def test_as_many_triplets_as_asked_for_and_as_released_the_same_for_all_sentences(as_released, monkeypatch):
    seen = []
    real = module.triplet_loss
    monkeypatch.setattr(
        module, "triplet_loss", lambda h, triplets, margin: seen.append(triplets) or real(h, triplets, margin)
    )
    seven = "regularizers.triplet.triplets_per_sentence=7"
    model(seven).losses(batch("L"))
    released = model(seven, as_released)
    for _ in range(2):
        released.losses(batch("L"))
    own, shared, next_one = seen
    assert own.shape == shared.shape == (3, 7, 3)
    assert not torch.equal(shared, next_one)  # a new draw for each iteration
    assert not torch.equal(own[0], own[1])
    assert torch.equal(shared[0], shared[1])
    assert torch.equal(shared[0], shared[2])


def test_options_reach_the_loss():
    labeled = batch("L")
    narrow, wide = (
        model(f"regularizers.triplet.margin={margin}").eval().losses(labeled)["triplet"].item() for margin in (0.5, 2.0)
    )
    assert wide > narrow + 1
    assert model("regularizers.triplet.window=2").min_chunks == 3
    assert model().min_chunks == 4
    with torch.no_grad():
        short = model("regularizers.triplet.window=2").losses(batch("L", chunks=3))
    assert torch.isfinite(short["triplet"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("regularizers.triplet.window=3", "even number"),
        ("regularizers.triplet.window=0", "2 or more"),
        ("regularizers.triplet.window=6", "needs at least 5 chunks a sentence, and data.chunks makes 4"),
        ("regularizers.triplet.triplets_per_sentence=0", "triplets_per_sentence"),
        ("regularizers.triplet.margin=-1.0", "margin"),
        ("gamma_triplet=-1.0", "gamma_triplet=-1.0: weight is a finite number 0 or more"),
    ],
)
def test_wrong_options_say_what_is_allowed(options, message):
    with pytest.raises(ConfigurationError, match=message):
        model(options)
