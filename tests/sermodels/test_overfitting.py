"""Every model can learn one small batch by heart: gradients arrive where they should and nothing saturates."""

import pytest
import torch

from datamodules.batch import ChunkBatch
from datamodules.processes import Share
from sermodels.acg_emocluster import ACGEmoCluster
from sermodels.cnn_ae import CNNAE
from sermodels.cnn_laddernet import CNNLadderNet
from sermodels.cnn_regressor import CNNRegressor
from sermodels.cnn_vae import CNNVAE
from sermodels.deep_emocluster import DeepEmoCluster
from sermodels.functional import concordance
from sermodels.temp_cnn import TempCNN
from sermodels.temp_gru import TempGRU
from sermodels.temp_trans import TempTrans
from sermodels.temp_triplet import TempTriplet

SENTENCES, CHUNKS = 6, 4
FAST = {"sgd_lr": 1e-2, "adam_lr": 2e-3}  # higher rates than the papers', for a batch that is always the same
MODELS = [
    pytest.param(lambda size: CNNRegressor(**size, **FAST), id="cnn_regressor"),
    pytest.param(lambda size: CNNAE(**size, **FAST), id="cnn_ae"),
    pytest.param(lambda size: CNNVAE(**size, **FAST), id="cnn_vae"),
    pytest.param(lambda size: CNNLadderNet(**size, **FAST), id="cnn_laddernet"),
    pytest.param(lambda size: DeepEmoCluster(3, **size, **FAST), id="deep_emocluster"),
    pytest.param(lambda size: TempGRU(3, **size, **FAST), id="temp_gru"),
    pytest.param(lambda size: TempCNN(3, **size, **FAST), id="temp_cnn"),
    pytest.param(lambda size: TempTrans(3, **size, **FAST), id="temp_trans"),
    pytest.param(lambda size: TempTriplet(3, **size, **FAST), id="temp_triplet"),
    pytest.param(lambda size: ACGEmoCluster(3, **size, supervised_lr=2e-3), id="acg_emocluster"),
    pytest.param(lambda size: ACGEmoCluster(3, combination="serial", **size, supervised_lr=2e-3), id="acg_serial"),
    pytest.param(lambda size: ACGEmoCluster(3, recurrent="none", **size, supervised_lr=2e-3), id="acg_spatial"),
]
MOST_STEPS, LOOK_EVERY = 500, 25


def batch() -> ChunkBatch:
    generator = torch.Generator().manual_seed(0)
    return ChunkBatch(
        "L",
        torch.arange(SENTENCES),
        torch.arange(CHUNKS).expand(SENTENCES, -1),
        torch.randn(SENTENCES, CHUNKS, 16, 32, generator=generator),
        torch.randn(SENTENCES, 3, generator=generator),
        torch.randint(3, (SENTENCES, CHUNKS), generator=generator),
        Share(0, SENTENCES, SENTENCES),
    )


@torch.no_grad()
def learnt(model, one) -> list[float]:
    """CCC of every attribute and, of a clustered model, the share of chunks whose cluster is told; in evaluation."""
    model.eval()
    found = concordance(model(one.chunks), one.labels).tolist()
    if hasattr(model, "cluster_classifier"):
        told = model.cluster_classifier(model.latents(one.chunks)).argmax(-1)
        found.append((told == one.pseudo_labels).double().mean().item())
    model.train()
    return found


@pytest.mark.parametrize("make", MODELS)
def test_one_batch_is_learnt_by_heart(make):
    """All three attributes at once, and the clusters, trained with dropout and asked without: all pass .95."""
    torch.manual_seed(0)
    model = make({"attributes": ("arousal", "dominance", "valence"), "num_frames": 16, "num_mels": 32})
    one = batch()
    optimizers = model.configure_optimizers()
    for number in range(1, MOST_STEPS + 1):
        losses = model.losses(one)
        for optimizer in optimizers:
            optimizer.zero_grad()
        torch.stack([model.loss_weights[name] * loss for name, loss in losses.items()]).sum().backward()
        for step, optimizer in zip(model._steps, optimizers, strict=True):
            if "L" in step.passes:
                optimizer.step()
        if number % LOOK_EVERY == 0 and min(learnt(model, one)) > 0.95:
            break
    assert min(learnt(model, one)) > 0.95
