"""Losses of the reconstruction baselines, and all their gradients, against their equations."""

import pytest
import torch
from references.concordance import concordance
from references.ladder import ladder
from references.mirror import mirror

from datamodules.batch import ChunkBatch
from datamodules.processes import Share
from sermodels.cnn_ae import CNNAE
from sermodels.cnn_laddernet import CNNLadderNet
from sermodels.cnn_vae import CNNVAE

SENTENCES, CHUNKS, FRAMES, MELS = 6, 4, 8, 16
OPTIONS = {"num_frames": FRAMES, "num_mels": MELS, "dropout": 0.0}
NOISE_STD = 0.3


def made(make, **options):
    """A model in training and in float64 whose parameters are all far from where they start, and from each other."""
    torch.manual_seed(0)
    model = make(**OPTIONS, **options).double()
    with torch.no_grad():
        for p in model.parameters():
            p += 0.1 * torch.randn_like(p)
    return model


def batch():
    generator = torch.Generator().manual_seed(1)
    return ChunkBatch(
        "L",
        torch.arange(SENTENCES),
        torch.arange(CHUNKS).expand(SENTENCES, -1),
        torch.randn(SENTENCES, CHUNKS, FRAMES, MELS, generator=generator, dtype=torch.float64),
        torch.randn(SENTENCES, 1, generator=generator, dtype=torch.float64),
        torch.zeros(SENTENCES, CHUNKS, dtype=torch.long),
        Share(0, SENTENCES, SENTENCES),
    )


def ccc_loss(model, h, labels):
    """1 - CCC of f_emo's outputs for features h (N, D), a sentence's label for each of its chunks."""
    return 1 - concordance(list(model.regress(h)[:, 0]), list(labels[:, 0].repeat_interleave(CHUNKS)))


def decoded(model, h):
    return mirror(dict(model.named_parameters()), h, model.encoder.map_shapes)


def autoencoder(model, one):
    chunks = one.chunks.flatten(0, 1)
    h = model.encoder(chunks)
    return {"ccc": ccc_loss(model, h, one.labels), "reconstruction": ((decoded(model, h) - chunks) ** 2).mean()}


def variational(model, one):
    chunks = one.chunks.flatten(0, 1)
    h = model.encoder(chunks)
    mean, log_variance = model.mean(h), model.log_variance(h)
    z = mean + torch.exp(log_variance / 2) * torch.randn(SENTENCES, CHUNKS, 256, dtype=torch.float64).flatten(0, 1)
    return {
        "ccc": ccc_loss(model, z, one.labels),
        "reconstruction": ((decoded(model, z) - chunks) ** 2).mean(),
        "kl": (mean**2 + torch.exp(log_variance) - 1 - log_variance).sum(1).mean() / 2,
    }


def denoising(model, one):
    # Layer after layer, channels last, as the noisy path draws.
    noises = [
        NOISE_STD * torch.randn(SENTENCES * CHUNKS, height, width, channels, dtype=torch.float64).permute(0, 3, 1, 2)
        for channels, height, width in model.encoder.map_shapes
    ]
    features, costs = ladder(dict(model.named_parameters()), one.chunks.flatten(0, 1), noises)
    return {"ccc": ccc_loss(model, features, one.labels)} | {f"denoising_{n}": cost for n, cost in enumerate(costs)}


@pytest.mark.parametrize(
    ("make", "options", "reference"),
    [
        (CNNAE, {}, autoencoder),
        (CNNVAE, {}, variational),
        (CNNLadderNet, {"noise_std": NOISE_STD}, denoising),
    ],
)
def test_losses_and_gradients_are_those_of_the_equations(make, options, reference):
    model, one = made(make, **options), batch()
    torch.manual_seed(2)
    ours = model.losses(one)
    torch.manual_seed(2)
    expected = reference(model, one)
    assert set(ours) == set(expected)
    parameters = dict(model.named_parameters())
    for name, loss in ours.items():
        # float64: sums of some thousand terms in another order, through fifteen normalisations.
        assert loss.item() == pytest.approx(expected[name].item(), rel=1e-9), name
        found, right = (
            torch.autograd.grad(one, parameters.values(), retain_graph=True, allow_unused=True, materialize_grads=True)
            for one in (loss, expected[name])
        )
        torch.testing.assert_close(
            dict(zip(parameters, found, strict=True)), dict(zip(parameters, right, strict=True)), rtol=1e-6, atol=1e-9
        )
