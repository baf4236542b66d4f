"""BEGAN: its equations, who reaches whom, and what it comes to."""

import logging

import pandas as pd
import pytest
import torch
from tiny_training import batch, data_for, model, plan, trainer

from callbacks.generated_pictures import GeneratedPictures
from sermodels.began import BEGAN, mean_distance
from sermodels.decoders.pyramid import PyramidDecoder
from sermodels.encoders.pyramid import PyramidEncoder

OPTIONS = ("model.lr=1e-3",)


def fit(directory, *options, rounds=2):
    one, module = plan("began", *OPTIONS, *options), model("began", *OPTIONS, *options)
    data = data_for(one, "L" * rounds)
    trainer(one, module, directory, rounds).fit(module, datamodule=data)
    return module, pd.read_csv(directory / "history.csv")


def parameters(*modules):
    return [parameter for module in modules for parameter in module.parameters()]


def chunks():
    return batch().chunks.flatten(0, 1).clamp(-1, 1)


def test_the_error_is_the_mean_absolute_difference():
    one, x = model("began"), chunks()
    expected = [(x[n] - one.decoder(one.encoder(x[n : n + 1]))[0]).abs().mean() for n in range(len(x))]
    assert torch.allclose(one.errors(x), torch.stack(expected), rtol=1e-5)


@pytest.mark.parametrize("k", [0.0, 0.4])
def test_the_loss_of_the_discriminator_never_reaches_the_generator(k):
    one, x = model("began"), chunks()
    one.k.fill_(k)
    z = torch.rand(len(x), 4) * 2 - 1
    real = one.errors(x).mean()
    loss = one.discriminator_loss(x, real, z)
    expected = real - k * one.errors(one.generator(z)).mean()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    loss.backward()
    assert all(parameter.grad is None for parameter in one.generator.parameters())
    assert all(parameter.grad is not None for parameter in parameters(one.encoder, one.decoder))


def test_the_loss_of_the_generator_never_reaches_the_discriminator():
    one = model("began")
    z = torch.rand(8, 4) * 2 - 1
    loss = one.generator_loss(z)
    assert loss.item() == pytest.approx(one.errors(one.generator(z)).mean().item(), rel=1e-6)
    loss.backward()
    assert all(parameter.grad is None for parameter in parameters(one.encoder, one.decoder))
    assert all(parameter.grad is not None for parameter in one.generator.parameters())
    # And D can go on learning.
    assert all(parameter.requires_grad for parameter in parameters(one.encoder, one.decoder))


def test_the_generators_gradient_goes_through_the_discriminator():
    """It is that of D(G(z)), and not of G(z) beside a D(G(z)) that stands still."""
    one = model("began").double()
    z = (torch.rand(8, 4) * 2 - 1).double()
    one.generator_loss(z).backward()
    fake = one.generator(z)
    whole = torch.autograd.grad((fake - one.decoder(one.encoder(fake))).abs().mean(), one.generator.input.weight)[0]
    assert torch.allclose(one.generator.input.weight.grad, whole, rtol=1e-9)


class Optimizers:
    """Two plain ones in the place of Lightning's."""

    def __init__(self, one):
        self.both = [step.optimizer for step in one.optimization_steps()]


def step(one, monkeypatch):
    """One update outside a Trainer; what it told."""
    both = Optimizers(one).both
    monkeypatch.setattr(one, "optimizers", lambda: both)
    monkeypatch.setattr(one, "manual_backward", lambda loss: loss.backward())
    monkeypatch.setattr(one, "log", lambda *args, **kwargs: None)
    return one.training_step(batch()._replace(chunks=batch().chunks.clamp(-1, 1)), 0)


def test_the_balance_k_and_m_global_are_those_of_the_paper(monkeypatch):
    one = model("began", "model.gamma=0.5", "model.lambda_k=0.1")
    one.k.fill_(0.3)
    told = step(one, monkeypatch)
    balance = 0.5 * told["reconstruction"] - told["generator"]
    assert told["balance"].item() == pytest.approx(balance.item(), rel=1e-6)
    assert one.k.item() == pytest.approx(0.3 + 0.1 * balance.item(), rel=1e-6)
    assert told["k"].item() == one.k.item()
    assert told["m_global"].item() == pytest.approx((told["reconstruction"] + abs(balance)).item(), rel=1e-6)


@pytest.mark.parametrize(("gamma", "bound"), [(1.0, 1.0), (0.0, 0.0)])
def test_k_stays_between_its_bounds_and_says_when_it_is_at_one(gamma, bound, monkeypatch):
    one = model("began", f"model.gamma={gamma}", "model.lambda_k=1000")
    one.k.fill_(0.5)
    told = step(one, monkeypatch)
    assert one.k.item() == bound
    assert told["k_at_bound"].item() == 1


def test_without_lambda_k_it_is_a_plain_autoencoder(tmp_path):
    """D learns as if there were no G: the same steps on |x - D(x)| alone."""
    trained, history = fit(tmp_path, "model.lambda_k=0")
    assert (history["k"] == 0).all()
    alone = model("began", *OPTIONS, "model.lambda_k=0")
    run = plan("began", *OPTIONS, "model.lambda_k=0")
    adam = torch.optim.Adam(parameters(alone.encoder, alone.decoder), 1e-3)
    data = data_for(run, "LL")
    for number in range(2):
        one = data.sets["L"]
        drawn = run.sampler("L", len(one), one.num_chunks, data.pseudo_labels, run.batch_size, run.seed, number)
        for index in drawn:
            x = data.gather(index, torch.device("cpu")).chunks.flatten(0, 1)
            adam.zero_grad()
            (x - alone.decoder(alone.encoder(x))).abs().mean().backward()
            adam.step()
    for ours, theirs in zip(
        parameters(trained.encoder, trained.decoder), parameters(alone.encoder, alone.decoder), strict=True
    ):
        assert torch.allclose(ours, theirs, atol=1e-6)


def test_losses_and_m_global_fall(tmp_path):
    _, history = fit(tmp_path, "model.lr=1e-2", rounds=12)
    for column in ("discriminator", "m_global", "validation/m_global", "validation/reconstruction"):
        assert history[column].iloc[-1] < 0.97 * history[column].iloc[0], column
    assert history["k"].between(0, 1).all()


def test_history_has_everything_that_tells_how_it_goes(tmp_path):
    _, history = fit(tmp_path)
    wanted = {"generator", "reconstruction", "k", "balance", "m_global", "k_at_bound"}
    scores = {"m_global", "reconstruction", "generated", "balance", "distance", "real_distance"}
    assert wanted | {f"validation/{name}" for name in scores} <= set(history)
    assert history.notna().all(axis=None)
    told = history.iloc[-1]
    balance = 0.7 * told["validation/reconstruction"] - told["validation/generated"]
    assert told["validation/balance"] == pytest.approx(balance, rel=1e-5)
    assert told["validation/m_global"] == pytest.approx(told["validation/reconstruction"] + abs(balance), rel=1e-5)


def test_the_best_model_is_the_one_of_the_lowest_m_global(tmp_path):
    _, history = fit(tmp_path, rounds=5)
    best = torch.load(tmp_path / "checkpoints" / "best.ckpt", weights_only=True)
    assert best["epoch"] == int(history["validation/m_global"].idxmin())


def test_k_goes_on_where_it_stopped(tmp_path):
    one, _ = fit(tmp_path, "model.lambda_k=0.05")
    last = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    assert 0 < one.k.item() < 1
    assert last["k"].dtype == torch.float64
    assert torch.equal(last["k"], one.k)


def test_rates_halve_down_to_the_floor():
    one = model("began", "model.lr=1e-4", "model.halve_every=3", "model.lr_floor=2e-5")
    assert [one.rate(number) for number in (0, 2, 3, 6, 9, 30)] == [1e-4, 1e-4, 5e-5, 2.5e-5, 2e-5, 2e-5]
    assert model("began", "model.lr=1e-5", "model.halve_every=1").rate(9) == 1e-5  # below the floor from the start
    assert model("began", "model.lr=1e-4").rate(99) == 1e-4


def test_the_rate_of_a_pass_is_the_optimizers(tmp_path):
    one, _ = fit(tmp_path, "model.halve_every=1", "model.lr_floor=1e-6", rounds=3)
    assert {group["lr"] for optimizer in one.trainer.optimizers for group in optimizer.param_groups} == {2.5e-4}


def test_the_distance_is_that_of_all_pairs():
    x = torch.rand(5, 3, 2, generator=torch.Generator().manual_seed(0))
    pairs = [(x[a] - x[b]).abs().double().mean() for a in range(5) for b in range(a)]
    assert mean_distance(x).item() == pytest.approx(torch.stack(pairs).mean().item(), rel=1e-6)
    assert mean_distance(x[:1]) == 0


class Told:
    """As much of a Trainer as the warning looks at."""

    current_epoch = 4

    def __init__(self, distance):
        self.callback_metrics = {"validation/distance": distance, "validation/real_distance": 0.3}


@pytest.mark.parametrize(("distance", "warned"), [(0.01, True), (0.2, False)])
def test_a_collapse_is_told(distance, warned, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        GeneratedPictures(tmp_path)._warn(Told(distance))
    assert ("samples are nearly all alike" in caplog.text) is warned


def test_pictures_are_drawn_every_so_many_passes_and_at_the_end(tmp_path):
    fit(tmp_path, "callbacks.pictures.every=2", rounds=5)
    names = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert names == ["pass-002.png", "pass-004.png", "pass-005.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in (tmp_path / "pictures").iterdir())


def test_it_takes_no_other_task():
    with pytest.raises(ValueError, match="BEGAN is pre-training and reads no labels; take task=reconstruction"):
        BEGAN(task={"_target_": "sermodels.tasks.categories.Categories"})


@pytest.mark.parametrize("filters", [2, 8, 64])
def test_an_untrained_pyramid_hears_something(filters):
    """Maps of different speech differ by more than batch norm's epsilon of 1e-5, and not by their places alone."""
    torch.manual_seed(0)
    encoder = PyramidEncoder(num_filters=filters)
    pieces = (0.3 * torch.randn(16, 1, 1) + 0.3 * torch.randn(16, 32, 512)).clamp(-1, 1)
    with torch.no_grad():
        maps = encoder.feature_map(pieces)
        told = PyramidDecoder(encoder)(torch.rand(16, 128) * 2 - 1)
    assert maps.var(0).median() > 1e-4
    assert maps.std(0).median() > 0.5 * maps.std()
    assert told.std(0).median() > 0.03
