"""What an encoder's checkpoint decides, and what names a run that goes on with it."""

import pytest
import torch
from tiny_training import data_for, model, plan, trainer

from datamodules.errors import ConfigurationError, DataError
from experiments.config.composing import composed
from experiments.config.from_hydra import make_plan
from experiments.config.identity import outcome

BASE = ("model=frozen_classifier", "search.trials=0")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """A checkpoint of a BEGAN that has learnt for one pass."""
    directory = tmp_path_factory.mktemp("began")
    one, run = model("began"), plan("began")
    trainer(run, one, directory, 1).fit(one, datamodule=data_for(run, "L"))
    return directory


def planned(*options):
    return make_plan(composed(*BASE, *options))


def test_the_encoder_its_features_chunks_and_weights_come_from_the_checkpoint(encoder):
    made = planned(f"pretrained.checkpoint={encoder}")
    saved = torch.load(encoder / "checkpoints" / "best.ckpt", weights_only=True)
    assert made.model["encoder"] == saved["hyper_parameters"]["encoder"]
    assert made.data.features.num_bins == 16
    assert made.data.chunks == plan("began").data.chunks
    assert made.pretrained.front_end.features == made.data.features
    for name, value in made.pretrained.weights.items():
        assert torch.equal(value, saved["state_dict"][f"encoder.{name}"])
    assert f"num_filters: {saved['hyper_parameters']['encoder']['num_filters']}" in made.config


def test_a_released_encoder_is_gone_on_with(real_data):
    (path,) = (real_data / "released" / "deepemocluster_v1.6").glob("*_Act.pth.tar")
    made = planned(f"pretrained.checkpoint='{path}'")
    assert made.model["encoder"]["_target_"].endswith("VGG16")
    assert made.data.chunks.num_chunks == 11
    assert made.pretrained.front_end.mean.shape == (128,)


def test_what_is_learnt_names_the_run_and_where_it_lies_does_not(encoder, tmp_path):
    elsewhere = tmp_path / "copy.ckpt"
    elsewhere.write_bytes((encoder / "checkpoints" / "best.ckpt").read_bytes())
    one, copy = (outcome(planned(f"pretrained.checkpoint={path}"), "") for path in (encoder, elsewhere))
    assert one == copy
    content = torch.load(elsewhere, weights_only=True)
    content["state_dict"]["encoder.output.bias"] += 1
    torch.save(content, elsewhere)
    assert outcome(planned(f"pretrained.checkpoint={elsewhere}"), "") != one
    random = outcome(planned(f"pretrained.checkpoint={encoder}", "pretrained.weights=random"), "")
    assert random != one
    assert outcome(planned(f"pretrained.checkpoint={elsewhere}", "pretrained.weights=random"), "") == random


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ((), ConfigurationError, "pretrained.checkpoint: give the encoder's"),
        (("pretrained.weights=none",), ConfigurationError, "pretrained.weights=none: take one of checkpoint, random"),
        (("pretrained.checkpoint=nowhere",), DataError, "nowhere: no such checkpoint"),
        (("pretrained.weights=3",), ConfigurationError, "pretrained.weights=3: set a word"),
    ],
)
def test_what_is_no_encoder_is_told(options, error, told):
    with pytest.raises(error, match=told):
        planned(*options)


@pytest.mark.parametrize("option", ["encoder.num_filters=7", "features.floor_db=-60"])
def test_what_the_checkpoint_decides_is_not_set_in_vain(option, encoder):
    with pytest.raises(ConfigurationError, match="the encoder's checkpoint decides it; leave"):
        planned(f"pretrained.checkpoint={encoder}", option)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("model=deep_emocluster", "features=pieces"), "reads as many chunks of every sentence"),
        (("model=cnn_regressor", "features=pieces", "sampler=natural_sentence"), "reads as many chunks"),
        (("model=cnn_regressor", "task=reconstruction"), "model=cnn_regressor learns from labels"),
    ],
)
def test_what_cannot_go_together_is_told(options, told):
    with pytest.raises(ConfigurationError, match=told):
        make_plan(composed(*options))
