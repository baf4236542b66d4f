"""Losses of the reconstruction baselines, and all their gradients, against their equations."""

import pytest
import torch
from references.concordance import concordance
from references.ladder import ladder
from references.mirror import mirror
from tiny_training import CHUNKS, batch, model

from sermodels.encoders.vgg import VGG16

SENTENCES = 6
NOISE_STD = 0.3


def made(name, *options):
    """A model in training and in float64 whose parameters are all far from where they start, and from each other."""
    one = model(name, "encoder.dropout=0.0", *options).double()
    with torch.no_grad():
        for p in one.parameters():
            p += 0.1 * torch.randn_like(p)
    return one


def named(module):
    return dict(module.named_parameters())


def ccc_loss(one, h, labels):
    """1 - CCC of f_emo's outputs for features h (N, D), a sentence's label for each of its chunks."""
    return 1 - concordance(list(one.regress(h)[:, 0]), list(labels[:, 0].repeat_interleave(CHUNKS)))


def decoded(one, h):
    return mirror(named(one.regularizers["reconstruction"].decoder), h, one.encoder.map_shapes)


def autoencoder(one, given):
    chunks = given.chunks.flatten(0, 1)
    h = one.encoder(chunks)
    return {"ccc": ccc_loss(one, h, given.labels), "reconstruction": ((decoded(one, h) - chunks) ** 2).mean()}


def variational(one, given):
    chunks = given.chunks.flatten(0, 1)
    h = VGG16.forward(one.encoder, chunks)  # the plain encoder's features, which the Gaussian is linear in
    mean, log_variance = one.encoder.mean(h), one.encoder.log_variance(h)
    z = mean + torch.exp(log_variance / 2) * torch.randn(SENTENCES, CHUNKS, 256, dtype=torch.float64).flatten(0, 1)
    return {
        "ccc": ccc_loss(one, z, given.labels),
        "reconstruction": ((decoded(one, z) - chunks) ** 2).mean(),
        "kl": (mean**2 + torch.exp(log_variance) - 1 - log_variance).sum(1).mean() / 2,
    }


def denoising(one, given):
    # Layer after layer, channels last, as the noisy path draws.
    noises = [
        NOISE_STD * torch.randn(SENTENCES * CHUNKS, height, width, channels, dtype=torch.float64).permute(0, 3, 1, 2)
        for channels, height, width in one.encoder.map_shapes
    ]
    decoder = one.regularizers["denoising"].decoder
    features, costs = ladder(named(one.encoder), named(decoder), given.chunks.flatten(0, 1), noises)
    return {"ccc": ccc_loss(one, features, given.labels)} | {f"denoising_{n}": cost for n, cost in enumerate(costs)}


@pytest.mark.parametrize(
    ("name", "options", "reference"),
    [
        ("cnn_ae", (), autoencoder),
        ("cnn_vae", (), variational),
        ("cnn_laddernet", (f"encoder.noise_std={NOISE_STD}",), denoising),
    ],
)
def test_losses_and_gradients_are_those_of_the_equations(name, options, reference):
    one, given = made(name, *options), batch(sentences=SENTENCES, seed=1, dtype=torch.float64)
    torch.manual_seed(2)
    ours = one.losses(given)
    torch.manual_seed(2)
    expected = reference(one, given)
    assert set(ours) == set(expected) == set(one.loss_weights)
    parameters = named(one)
    for loss_name, loss in ours.items():
        # float64: sums of some thousand terms in another order, through fifteen normalisations.
        assert loss.item() == pytest.approx(expected[loss_name].item(), rel=1e-9), loss_name
        found, right = (
            torch.autograd.grad(each, parameters.values(), retain_graph=True, allow_unused=True, materialize_grads=True)
            for each in (loss, expected[loss_name])
        )
        torch.testing.assert_close(
            dict(zip(parameters, found, strict=True)), dict(zip(parameters, right, strict=True)), rtol=1e-6, atol=1e-9
        )
