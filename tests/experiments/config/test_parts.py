"""The parts of a model: every yaml of them builds, and changes what it says and nothing else."""

import pytest
import torch
from hydra.utils import get_object
from tiny_training import MODELS, batch, model, plan

from experiments.config.composing import choices
from experiments.config.targets import build_callback
from sermodels.encoders.vgg import VGG16

VGG = {"attention_blocks": [], "kv_pool": 4, "attention": True, "dropout": 0.5}


PARALLEL = {"attention_blocks": [1, 3, 5, 7], "kv_pool": 4, "attention": True, "recurrent": "bigru", "dropout": 0.5}


PRESETS = {
    "encoder=vgg16": VGG,
    "encoder=vgg16_triplet": VGG,
    "encoder=acn_s": VGG | {"attention_blocks": [1]},
    "encoder=acn_b": VGG | {"attention_blocks": [1, 3, 5, 7]},
    "encoder=acn_l": VGG | {"attention_blocks": [1, 2, 3, 4, 5, 6, 7]},
    "encoder=parallel": PARALLEL,
    "encoder=parallel_acn_s": PARALLEL | {"attention_blocks": [1]},
    "encoder=parallel_acn_l": PARALLEL | {"attention_blocks": [1, 2, 3, 4, 5, 6, 7]},
    "encoder=serial_frames": PARALLEL,
    "encoder=variational": VGG | {"dropout": 0.0},
    "encoder=ladder": VGG | {"noise_std": 0.3},
    "temporal_net=none": {},
    "temporal_net=gru": {"kind": "gru"},
    "temporal_net=lstm": {"kind": "lstm"},
    "temporal_net=bigru": {"kind": "bigru"},
    "temporal_net=bilstm": {"kind": "bilstm"},
    "temporal_net=cnn": {"channels": 16, "output_channels": 16, "dropout": 0.3},
    "temporal_net=transformer": {"dropout": 0.3, "position_dropout": 0.3},
    # Of the paper's tables 3 and 4, beside the encoders' own.
    "encoder.recurrent=lstm": PARALLEL | {"recurrent": "lstm"},
    "encoder.recurrent=gru": PARALLEL | {"recurrent": "gru"},
    "encoder.recurrent=bilstm": PARALLEL | {"recurrent": "bilstm"},
}


def attention_blocks(module):
    return [one for one in module.modules() if type(one).__name__ == "AttnConvBlock"]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_of_acg_changes_what_it_says_and_nothing_else(preset):
    group = preset.replace(".", "=").split("=")[0]
    before, after = (plan("acg_emocluster", *some) for some in ((), (preset,)))
    node = {key: value for key, value in after.model[group].items() if key != "_target_"}
    assert node == PRESETS[preset]
    assert {**after.model, group: None} == {**before.model, group: None}
    made = model("acg_emocluster", preset)
    assert type(getattr(made, group)).__name__ == after.model[group]["_target_"].rpartition(".")[2]
    assert len(attention_blocks(made)) == len(after.model["encoder"]["attention_blocks"])
    assert made(torch.randn(2, 3, 8, 16)).shape == (2, 1)


def test_no_preset_is_untested():
    there = {f"{group}={name}" for group in ("encoder", "temporal_net") for name in choices(group)}
    assert there - {"encoder=pyramid"} == {preset for preset in PRESETS if "." not in preset}  # BEGAN's


GROUPS = ("encoder", "temporal_net", "regularizer", "optimization", "task", "callback")


# Regularizers that read what only one encoder leaves.
NEEDS = {
    "regularizer=kl": ["encoder=variational"],
    "regularizer=denoising": ["encoder=ladder"],
    "regularizer=denoising_gamma": ["encoder=ladder"],
    "encoder=pyramid": ["encoder.num_levels=2"],
}
# Looked at with the one model that it is of, tests/sermodels/test_began.py.
ELSEWHERE = {"task=reconstruction"}
CHOICES = [f"{group}={name}" for group in GROUPS for name in choices(group)]


@pytest.mark.parametrize("choice", [choice for choice in CHOICES if choice not in ELSEWHERE])
def test_every_part_builds_and_its_model_has_finite_losses(choice, tmp_path):
    """A new yaml is covered by itself."""
    group, _, name = choice.partition("=")
    several = group in ("regularizer", "callback")  # of which a run may have several, by names of their own
    option = f"+{group}@{group}s.tested={name}" if several else choice
    options = [option, *NEEDS.get(choice, []), "sampler=natural_sentence"]
    made, module = plan("deep_emocluster", *options), model("deep_emocluster", *options)
    if group == "callback":
        node = made.callbacks["tested"]
        built = build_callback("tested", node, directory=tmp_path)
    elif group == "regularizer":
        node, built = made.model["regularizers"]["tested"], module.regularizers["tested"]
    else:
        node, built = {**made.model, "task": made.task}[group], getattr(module, group)
    assert type(built) is get_object(node["_target_"])
    labels = torch.arange(6.0)[:, None] % 2  # a rating to one task, the number of a class to another
    losses = module.losses(batch(labels=labels))
    assert set(losses) == set(module.loss_weights)
    assert all(loss.isfinite() for loss in losses.values())


@pytest.mark.parametrize("name", MODELS)
def test_one_override_puts_attention_blocks_into_any_model(name):
    without, having = (model(name, f"encoder.attention_blocks={blocks}") for blocks in ("[]", "[1,3,5,7]"))
    assert len(attention_blocks(having)) == 4
    assert not attention_blocks(without)
    if type(without.encoder) is VGG16:
        assert len(attention_blocks(model(name, "encoder=acn_b"))) == 4


@pytest.mark.parametrize("name", MODELS)
def test_any_model_predicts_all_attributes_at_once(name):
    module = model(name, "attribute=all")
    assert module.task.names == ("arousal", "dominance", "valence")
    assert module(torch.randn(2, 4, 8, 16)).shape == (2, 3)


@pytest.mark.parametrize("name", MODELS)
def test_any_model_tells_categories(name):
    module = model(name, "task=categories", classes=["a", "b", "c", "d"], counts=[1, 1, 1, 1]).eval()
    with torch.no_grad():
        probabilities = module(torch.randn(2, 4, 8, 16))
    assert probabilities.shape == (2, 4)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(2))
