"""Gradients and updates reach exactly the parameters that are meant to train in each pass."""

from collections import Counter

import pytest
import pytorch_lightning as pl
import torch
from one_step import ROOMY, changed_by_a_step, taught
from tiny_training import CLUSTERED, MODELS, batch, data_for, model, plan, trainer

from datamodules.seeds import derive_seed

VARIANTS = [
    ("deep_emocluster", "optimization.ownership=by_part"),
    ("temp_triplet", "fidelity.triplet_on_unlabeled=true"),
    ("acg_emocluster", "encoder=acn_b", "temporal_net=bigru"),
    ("acg_emocluster", "encoder=serial_frames"),
    ("cnn_ae", "optimization.ownership=by_part"),
]
CASES = [*((name,) for name in MODELS), *VARIANTS]

# Losses other than the task's that are of labelled sets alone, which a model must be entered for: the triplets, as the
# paper's algorithm 1 has it.
ON_L_ALONE = {("temp_triplet",): {"triplet"}}


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_u_passes_leave_the_emotion_regressor_alone(case):
    """And train everything else, of a model that learns from U at all."""
    one = model(*case, *ROOMY)
    moved = changed_by_a_step(one, "U")
    assert not any(name.startswith("emotion_regressor") for name in moved)
    learning = {n for n in taught(dict(one.named_parameters())) if not n.startswith("emotion_regressor")}
    assert taught(moved) == (learning if one.learns_from_unlabeled else set())


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_l_passes_train_everything(case):
    one = model(*case, *ROOMY)
    assert taught(changed_by_a_step(one, "L")) == taught(dict(one.named_parameters()))


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_a_model_has_all_its_losses_on_l_and_on_u_all_but_the_emotion_loss(case):
    one = model(*case)
    assert {"ccc"} | ({"cluster"} if case[0] in CLUSTERED else set()) <= set(one.loss_weights)
    assert set(one.losses(batch("L"))) == set(one.loss_weights)
    assert set(one.losses(batch("U"))) == set(one.loss_weights) - {"ccc"} - ON_L_ALONE.get(case, set())
    assert one.learns_from_unlabeled is (len(one.loss_weights) > 1)


def test_the_papers_clustered_models_have_the_cluster_loss_alone_on_u():
    for name in CLUSTERED:
        assert set(model(name).losses(batch("U"))) == {"cluster"}


class WeighedAnew(pl.Callback):
    """What a step returned and the gradients it left, beside the weighted sum of the losses computed again."""

    def __init__(self, weights=None):
        self.weights = weights

    def on_train_start(self, trainer, pl_module):
        # Rates of 0: a step leaves the weights as they were, so that everything can be computed again.
        for optimizer in trainer.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = 0.0

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.named = {name: value.item() for name, value in outputs.items()}
        parameters = list(pl_module.parameters())
        self.left = [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in parameters]
        torch.manual_seed(derive_seed(trainer.datamodule.seed, "batch", trainer.current_epoch, batch_idx))
        weights = self.weights or pl_module.loss_weights
        total = sum(weights[name] * loss for name, loss in pl_module.losses(batch).items())
        self.total = total.item()
        self.due = torch.autograd.grad(total, parameters, allow_unused=True, materialize_grads=True)


@pytest.mark.parametrize(
    ("case", "weights"),
    [
        (("deep_emocluster", "lambda_cluster=0.3"), {"ccc": 1.0, "cluster": 0.3}),
        (("cnn_ae", "regularizers.reconstruction.weight=7.0"), {"ccc": 1.0, "reconstruction": 7.0}),
        (("temp_triplet", "gamma_triplet=5.0"), {"ccc": 1.0, "cluster": 1.0, "triplet": 5.0}),
        *(((name,), None) for name in MODELS),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_step_descends_the_weighted_sum_of_the_losses(case, weights, tmp_path):
    """weights: where they are not the model's own."""
    one, seen = model(*case), WeighedAnew()
    weights = weights or one.loss_weights
    trainer(plan(*case), one, tmp_path, 1, (seen,)).fit(one, datamodule=data_for(plan(*case), "L"))
    assert set(seen.named) == {"loss", *weights}
    # The same sums in the same order, but for the running statistics, which training does not read.
    assert seen.named["loss"] == pytest.approx(sum(weights[name] * seen.named[name] for name in weights), rel=1e-6)
    assert seen.named["loss"] == pytest.approx(seen.total, rel=1e-6)
    assert any(due.any() for due in seen.due)
    for mine, due in zip(seen.left, seen.due, strict=True):
        torch.testing.assert_close(mine, due)


ON_U = {
    # λ weighs the joint loss on L, and γ the triplets there: algorithm 1 of Lin & Busso 2024 has plain CE on U, and the
    # released program adds the triplets with weight 1.
    ("deep_emocluster", "lambda_cluster=0.3"): {"cluster": 1.0},
    ("temp_triplet", "lambda_cluster=0", "gamma_triplet=5.0", "fidelity=released"): {"cluster": 1.0, "triplet": 1.0},
    ("temp_triplet", "gamma_triplet=5.0", "regularizers.triplet.on_unlabeled=true"): {"cluster": 1.0, "triplet": 1.0},
    ("acg_emocluster", "lambda_cluster=0"): {"cluster": 1.0},
    ("cnn_ae", "regularizers.reconstruction.weight=7.0"): {"reconstruction": 7.0},
}


@pytest.mark.parametrize("case", ON_U, ids=" ".join)
def test_what_weighs_on_u(case, tmp_path):
    weights, one = ON_U[case], model(*case)
    seen = WeighedAnew(weights)
    trainer(plan(*case), one, tmp_path, 1, (seen,)).fit(one, datamodule=data_for(plan(*case), "U"))
    assert set(seen.named) == {"loss", *weights}
    assert seen.named["loss"] == pytest.approx(sum(weights[name] * seen.named[name] for name in weights), rel=1e-6)
    assert any(due.any() for due in seen.due)
    for mine, due in zip(seen.left, seen.due, strict=True):
        torch.testing.assert_close(mine, due)


def test_without_lambda_the_supervised_phase_has_the_ccc_alone():
    one = model("acg_emocluster", "lambda_cluster=0")
    losses = one.losses(batch("L"))
    assert one.weigh(losses, "L").item() == pytest.approx(losses["ccc"].item(), abs=1e-7)
    assert one.weigh(losses, "L").item() != pytest.approx((losses["ccc"] + losses["cluster"]).item(), abs=1e-2)


def planned(one):
    """Class, rate and passes of every optimizer, and the names of the parameters it steps over."""
    names = {p: name for name, p in one.named_parameters()}
    return {
        (type(step.optimizer).__name__, group["lr"], "".join(sorted(step.passes))): {names[p] for p in group["params"]}
        for step in one.optimization_steps()
        for group in step.optimizer.param_groups
    }


def divided(one):
    """Names of all parameters, of the cluster classifier's last layer, and of heads and decoders."""
    every = {name for name, _ in one.named_parameters()}
    top = {name for name in every if name.startswith("cluster_classifier.top.")}
    outputs = {name for name in every if name.startswith(("emotion_regressor.", "regularizers."))}
    return every, top, outputs


def last_layer(top):
    return {("SGD", 0.05, "LU"): top} if top else {}


@pytest.mark.parametrize("name", MODELS)
def test_sgd_and_adam_step_when_and_over_what_the_option_says(name):
    together = model(name, "optimization=sgd_and_adam")
    apart = model(name, "optimization=sgd_and_adam", "optimization.ownership=by_part")
    every, top, outputs = divided(together)
    assert bool(top) is (name in CLUSTERED)
    decoding = any("decoder" in part for part in plan(name).model["regularizers"].values())
    assert any(".decoder." in parameter for parameter in outputs) is decoding
    assert planned(together) == {("SGD", 1e-3, "LU"): every - top, ("Adam", 5e-4, "L"): every - top} | last_layer(top)
    by_part = {("SGD", 1e-3, "LU"): every - top - outputs, ("Adam", 5e-4, "LU"): outputs}
    assert planned(apart) == by_part | last_layer(top)
    # Lin & Busso 2024: Adam for the output layers, which f_cltr's are too.
    outputs |= {parameter for parameter in every - top if parameter.startswith("cluster_classifier.")}
    by_words = model(name, "optimization=sgd_and_adam", "optimization.ownership=outputs_by_adam")
    expected = {("SGD", 1e-3, "LU"): every - top - outputs, ("Adam", 5e-4, "LU"): outputs}
    assert planned(by_words) == expected | last_layer(top)


@pytest.mark.parametrize("name", MODELS)
def test_adam_by_phase_takes_its_own_rate_in_each_phase(name):
    one = model(name, "optimization=adam_by_phase")
    every, top, _ = divided(one)
    assert planned(one) == {("Adam", 1e-3, "U"): every - top, ("Adam", 5e-4, "L"): every - top} | last_layer(top)


# A model that steps otherwise than the DeepEmoCluster family must be entered.
OPTIMIZATIONS = {"acg_emocluster": "adam_by_phase"}


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_the_optimizers_of_its_paper(name):
    theirs = OPTIMIZATIONS.get(name, "sgd_and_adam")
    assert planned(model(name)) == planned(model(name, f"optimization={theirs}"))


def test_baselines_with_a_decoder_are_those_of_the_paper():
    decoding = {name for name in MODELS if any("decoder" in one for one in plan(name).model["regularizers"].values())}
    assert decoding >= {"cnn_ae", "cnn_vae", "cnn_laddernet"}
    assert not decoding & {*CLUSTERED, "cnn_regressor"}


class Stepped(pl.Callback):
    """How often each optimizer steps in passes over each set."""

    def on_train_start(self, trainer, pl_module):
        self.counts = [Counter() for _ in trainer.optimizers]
        for counts, optimizer in zip(self.counts, trainer.optimizers, strict=True):
            optimizer.register_step_post_hook(
                lambda *_, counts=counts: counts.update(trainer.datamodule.passes[trainer.current_epoch])
            )


@pytest.mark.parametrize(
    "options",
    [(), ("optimization=sgd_and_adam", "optimization.ownership=by_part")],
    ids=["its_own", "by_part"],
)
@pytest.mark.parametrize("name", MODELS)
def test_in_a_training_every_optimizer_steps_in_its_passes_alone(name, options, tmp_path):
    """What is planned (the tests above) is what the trainer's passes do, once a batch."""
    one, run = model(name, *options), plan(name, *options)
    passes = "UL" if one.learns_from_unlabeled else "L"
    stepped = Stepped()
    trainer(run, one, tmp_path, len(passes), (stepped,)).fit(one, datamodule=data_for(run, passes))
    # 24 sentences of L and 20 of U in batches of 8.
    assert stepped.counts == [Counter({one: 3 for one in step.passes & set(passes)}) for step in one._steps]
    assert any("L" in counts for counts in stepped.counts)


@pytest.mark.parametrize("name", CLUSTERED)
def test_resetting_the_classifier_touches_its_last_layer_only(name):
    one = model(name)
    before = {parameter: p.detach().clone() for parameter, p in one.named_parameters()}
    with torch.no_grad():
        one.cluster_classifier.top.bias += 1
    one.reset_cluster_classifier(torch.Generator().manual_seed(1))
    moved = {parameter for parameter, p in one.named_parameters() if not torch.equal(p, before[parameter])}
    assert moved == {"cluster_classifier.top.weight"}
    assert not one.cluster_classifier.top.bias.any()
    # 1,024 draws: the deviation's own deviation is 2.2 %.
    assert one.cluster_classifier.top.weight.std().item() == pytest.approx(0.01, rel=0.12)
