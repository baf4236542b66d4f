"""Gradients and updates reach exactly the parameters that are meant to train in each pass."""

import pytest
import torch
from tiny_training import CHUNKS, FRAMES, MELS

from datamodules.batch import ChunkBatch
from datamodules.processes import Share
from sermodels.acg_emocluster import ACGEmoCluster
from sermodels.cnn_ae import CNNAE
from sermodels.cnn_laddernet import CNNLadderNet
from sermodels.cnn_regressor import CNNRegressor
from sermodels.cnn_vae import CNNVAE
from sermodels.deep_emocluster import DeepEmoCluster
from sermodels.temp_cnn import TempCNN
from sermodels.temp_gru import TempGRU
from sermodels.temp_trans import TempTrans
from sermodels.temp_triplet import TempTriplet

CLUSTERED = [
    *(
        pytest.param(lambda make=make: make(4, num_frames=FRAMES, num_mels=MELS), id=make.__name__)
        for make in (DeepEmoCluster, TempGRU, TempCNN, TempTrans, TempTriplet)
    ),
    pytest.param(lambda: DeepEmoCluster(4, optimizers="by_part", num_frames=FRAMES, num_mels=MELS), id="by_part"),
    pytest.param(lambda: ACGEmoCluster(4, num_frames=34, num_mels=64), id="acg_emocluster"),
]

BASELINES = [
    *(
        pytest.param(lambda make=make: make(num_frames=FRAMES, num_mels=MELS), id=make.__name__)
        for make in (CNNAE, CNNVAE, CNNLadderNet)
    ),
    pytest.param(lambda: CNNAE(optimizers="by_part", num_frames=FRAMES, num_mels=MELS), id="CNNAE by_part"),
]
REGRESSOR = pytest.param(lambda: CNNRegressor(num_frames=FRAMES, num_mels=MELS), id="CNNRegressor")


def batch(model, set_name):
    # For ACG large enough that conv 7's map is 2 x 2: on a map of one point attention has nothing to learn.
    frames, mels = (34, 64) if isinstance(model, ACGEmoCluster) else (FRAMES, MELS)
    labels = torch.randn(6, 1) if set_name == "L" else torch.full((6, 1), torch.nan)
    return ChunkBatch(
        set_name,
        torch.arange(6),
        torch.arange(CHUNKS).expand(6, -1),
        torch.randn(6, CHUNKS, frames, mels),
        labels,
        torch.randint(4, (6, CHUNKS)),
        Share(0, 6, 6),
    )


def changed_by_a_step(model, set_name):
    """Names of the parameters that one update moves.

    In float64: starting weights are so small that a step may be less than a float32 weight of 1 can tell.
    """
    optimizers = model.double().configure_optimizers()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    one = batch(model, set_name)
    losses = model.losses(one._replace(chunks=one.chunks.double(), labels=one.labels.double()))
    sum(losses.values()).backward()
    for step, optimizer in zip(model._steps, optimizers, strict=True):
        if set_name in step.passes:
            optimizer.step()
    return {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}


@pytest.mark.parametrize("make", CLUSTERED + BASELINES)
def test_u_passes_leave_the_emotion_regressor_alone(make):
    torch.manual_seed(0)
    model = make()
    moved = changed_by_a_step(model, "U")
    assert moved == {name for name, _ in model.named_parameters() if not name.startswith("emotion_regressor")}


@pytest.mark.parametrize("make", [*CLUSTERED, *BASELINES, REGRESSOR])
def test_l_passes_train_everything(make):
    torch.manual_seed(0)
    model = make()
    assert changed_by_a_step(model, "L") == {name for name, _ in model.named_parameters()}


@pytest.mark.parametrize("make", CLUSTERED)
def test_losses_of_each_set(make):
    model = make()
    assert set(model.losses(batch(model, "U"))) == {"cluster"}
    assert set(model.losses(batch(model, "L"))) >= {"cluster", "ccc"}
    assert set(model.losses(batch(model, "L"))) == set(model.loss_weights)


@pytest.mark.parametrize("make", [*BASELINES, REGRESSOR])
def test_a_baseline_has_all_its_losses_on_u_but_the_emotion_loss(make):
    model = make()
    assert set(model.losses(batch(model, "L"))) == set(model.loss_weights)
    assert set(model.losses(batch(model, "U"))) == set(model.loss_weights) - {"ccc"}
    assert model.learns_from_unlabeled is (len(model.loss_weights) > 1)


def test_adam_steps_when_and_over_what_the_option_says():
    def adam(model):
        model.configure_optimizers()
        steps = [step for step in model._steps if isinstance(step.optimizer, torch.optim.Adam)]
        assert len(steps) == 1
        assert steps[0].passes == ({"L"} if model.ownership == "both_on_all" else {"L", "U"})
        return sum(p.numel() for group in steps[0].optimizer.param_groups for p in group["params"])

    def sgd(model):
        model.configure_optimizers()
        body = next(step for step in model._steps if isinstance(step.optimizer, torch.optim.SGD))
        return sum(p.numel() for group in body.optimizer.param_groups for p in group["params"])

    model = DeepEmoCluster(10)
    everything = sum(p.numel() for p in model.parameters())
    assert adam(model) == everything - (256 * 10 + 10)  # all but the classifier's last layer
    assert adam(DeepEmoCluster(10, optimizers="by_part")) == 256 * 256 + 256 + 256 + 1  # the regressor
    assert sgd(DeepEmoCluster(10)) == everything - (256 * 10 + 10)
    assert sgd(DeepEmoCluster(10, optimizers="by_part")) == everything - (256 * 10 + 10) - (256 * 256 + 256 + 256 + 1)


def test_acg_takes_its_own_rate_in_each_phase():
    model = ACGEmoCluster(unsupervised_lr=1e-3, supervised_lr=5e-4, cluster_top_lr=0.05)
    model.configure_optimizers()
    rates = {
        (type(step.optimizer).__name__, "".join(sorted(step.passes))): step.optimizer.param_groups[0]["lr"]
        for step in model._steps
    }
    assert rates == {("Adam", "U"): 1e-3, ("Adam", "L"): 5e-4, ("SGD", "LU"): 0.05}


def test_resetting_the_classifier_touches_its_last_layer_only():
    model = DeepEmoCluster(4)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    with torch.no_grad():
        model.cluster_classifier.top.bias += 1
    model.reset_cluster_classifier(torch.Generator().manual_seed(1))
    moved = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert moved == {"cluster_classifier.top.weight"}
    assert not model.cluster_classifier.top.bias.any()
    # 1,024 draws: the deviation's own deviation is 2.2 %.
    assert model.cluster_classifier.top.weight.std().item() == pytest.approx(0.01, rel=0.12)
