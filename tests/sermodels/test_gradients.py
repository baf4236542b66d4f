"""Gradients and updates reach exactly the parameters that are meant to train in each pass."""

import re
from collections import Counter

import pytest
import pytorch_lightning as pl
import torch
from tiny_training import CHUNKS, FRAMES, MELS, datamodule, trainer

from datamodules.batch import ChunkBatch
from datamodules.processes import Share
from datamodules.samplers import Natural, NaturalSentence
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


def taught(names):
    """Of these parameters those that have a gradient but for rounding.

    A shift before a normalisation has none, nor one that adds the same to a query's agreement with every key.
    """
    return {
        name for name in names if not re.search(r"blocks\.\d+\.(local\.|mixed\.)?0\.bias|attention\.key\.bias", name)
    }


@pytest.mark.parametrize("make", CLUSTERED + BASELINES)
def test_u_passes_leave_the_emotion_regressor_alone(make):
    torch.manual_seed(0)
    model = make()
    moved = changed_by_a_step(model, "U")
    assert not any(name.startswith("emotion_regressor") for name in moved)
    assert taught(moved) == {n for n in taught(dict(model.named_parameters())) if not n.startswith("emotion_regressor")}


@pytest.mark.parametrize("make", [*CLUSTERED, *BASELINES, REGRESSOR])
def test_l_passes_train_everything(make):
    torch.manual_seed(0)
    model = make()
    assert taught(changed_by_a_step(model, "L")) == taught(dict(model.named_parameters()))


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


class WeighedAnew(pl.Callback):
    """What a step returned and the gradients it left, beside the weighted sum of the losses computed again."""

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.named = {name: value.item() for name, value in outputs.items()}
        parameters = list(pl_module.parameters())
        self.left = [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in parameters]
        total = sum(pl_module.loss_weights[name] * loss for name, loss in pl_module.losses(batch).items())
        self.total = total.item()
        self.due = torch.autograd.grad(total, parameters, allow_unused=True, materialize_grads=True)


@pytest.mark.parametrize(
    ("make", "weights"),
    [
        (lambda **options: DeepEmoCluster(4, lambda_cluster=0.3, cluster_top_lr=0.0, **options), {"cluster": 0.3}),
        (lambda **options: CNNAE(reconstruction_weight=7.0, **options), {"reconstruction": 7.0}),
    ],
    ids=["clusters", "reconstruction"],
)
def test_a_step_descends_the_weighted_sum_of_the_losses(make, weights, tmp_path):
    torch.manual_seed(0)
    # Rates of 0: the step leaves the weights as they were, so that everything can be computed again.
    model = make(dropout=0.0, sgd_lr=0.0, adam_lr=0.0, num_frames=FRAMES, num_mels=MELS)
    seen = WeighedAnew()
    losses = {"ccc": 1.0} | weights
    fitted = trainer(tmp_path, 1, callbacks=[seen], losses=list(losses), clustered="cluster" in weights)
    fitted.fit(model, datamodule=datamodule("L", sampler=Natural))
    assert set(seen.named) == {"loss", *losses}
    # The same sums in the same order, but for the running statistics, which training does not read.
    assert seen.named["loss"] == pytest.approx(sum(losses[name] * seen.named[name] for name in losses), rel=1e-6)
    assert seen.named["loss"] == pytest.approx(seen.total, rel=1e-6)
    for mine, due in zip(seen.left, seen.due, strict=True):
        torch.testing.assert_close(mine, due)


def planned(model):
    """Class, rate and passes of every optimizer, and the names of the parameters it steps over."""
    names = {p: name for name, p in model.named_parameters()}
    return {
        (type(step.optimizer).__name__, group["lr"], "".join(sorted(step.passes))): {names[p] for p in group["params"]}
        for step in model.optimization_steps()
        for group in step.optimizer.param_groups
    }


OWNING = [DeepEmoCluster, TempGRU, TempCNN, TempTrans, TempTriplet, CNNRegressor, CNNAE, CNNVAE, CNNLadderNet]


@pytest.mark.parametrize("make", OWNING)
def test_every_optimizer_steps_when_and_over_what_the_option_says(make):
    size = {"num_frames": FRAMES, "num_mels": MELS}
    together, apart = make(**size), make(optimizers="by_part", **size)
    every = {name for name, _ in together.named_parameters()}
    top = {name for name in every if name.startswith("cluster_classifier.top.")}
    outputs = {name for name in every if name.startswith(("emotion_regressor.", "decoder."))}
    assert any(name.startswith("decoder.") for name in every) is (make in (CNNAE, CNNVAE, CNNLadderNet))
    last_layer = {("SGD", 0.05, "LU"): top} if top else {}
    assert planned(together) == {("SGD", 1e-3, "LU"): every - top, ("Adam", 5e-4, "L"): every - top} | last_layer
    by_part = {("SGD", 1e-3, "LU"): every - top - outputs, ("Adam", 5e-4, "LU"): outputs}
    assert planned(apart) == by_part | last_layer


class Stepped(pl.Callback):
    """How often each optimizer steps in passes over each set."""

    def on_train_start(self, trainer, pl_module):
        self.counts = [Counter() for _ in trainer.optimizers]
        for counts, optimizer in zip(self.counts, trainer.optimizers, strict=True):
            optimizer.register_step_post_hook(
                lambda *_, counts=counts: counts.update(trainer.datamodule.passes[trainer.current_epoch])
            )


@pytest.mark.parametrize(
    ("make", "options"),
    [*((make, {"optimizers": one}) for make in OWNING for one in ("both_on_all", "by_part")), (ACGEmoCluster, {})],
)
def test_in_a_training_every_optimizer_steps_in_its_passes_alone(make, options, tmp_path):
    """What is planned (the test above) is what the trainer's passes do, once a batch."""
    clustered = hasattr(make, "embed")
    model = make(*([4] if clustered else []), num_frames=FRAMES, num_mels=MELS, **options)
    passes = "UL" if model.learns_from_unlabeled else "L"
    stepped = Stepped()
    fitted = trainer(tmp_path, len(passes), callbacks=[stepped], losses=list(model.loss_weights), clustered=clustered)
    fitted.fit(model, datamodule=datamodule(passes, sampler=NaturalSentence))
    # 24 sentences of L and 20 of U in batches of 8.
    assert stepped.counts == [Counter({one: 3 for one in step.passes & set(passes)}) for step in model._steps]
    assert any("L" in counts for counts in stepped.counts)


def test_acg_takes_its_own_rate_in_each_phase():
    model = ACGEmoCluster(unsupervised_lr=1e-3, supervised_lr=5e-4, cluster_top_lr=0.05, num_frames=34, num_mels=64)
    every = {name for name, _ in model.named_parameters()}
    top = {"cluster_classifier.top.weight", "cluster_classifier.top.bias"}
    assert planned(model) == {
        ("Adam", 1e-3, "U"): every - top,
        ("Adam", 5e-4, "L"): every - top,
        ("SGD", 0.05, "LU"): top,
    }


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
