"""Knobs arrive where they are read, and are refused where nothing reads them."""

from functools import cache

import pytest
from tiny_training import CLUSTERED, MODELS, model

from datamodules.errors import ConfigurationError
from experiments.config.composing import composed as composed_config
from experiments.config.from_hydra import make_plan
from experiments.config.identity import outcome, run_hash

# Knobs that not every run reads, their defaults, another value, and the models that read them.
KNOBS = {
    "num_clusters": (10, 7, CLUSTERED),
    "lambda_cluster": (1, 0.5, CLUSTERED),
    "gamma_triplet": (1, 2, ["temp_triplet"]),
    "pretrain_rounds": (50, 3, ["acg_emocluster"]),
    "attribute": ("arousal", "valence", MODELS),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("knob", KNOBS)
def test_a_knob_arrives_and_changes_the_hash_or_is_refused(name, knob, planned):
    _, value, readers = KNOBS[knob]
    if name in readers:
        assert run_hash(outcome(planned(f"model={name}", f"{knob}={value}"), "d")) != run_hash(
            outcome(usual(name), "d")
        )
    else:
        with pytest.raises(
            ConfigurationError, match=rf"^{knob}={value}: model={name} .*does not read it; leave {knob} out\.$"
        ):
            planned(f"model={name}", f"{knob}={value}")


@cache
def usual(name):
    return make_plan(composed_config(f"model={name}"))


@pytest.mark.parametrize("name", MODELS)
def test_knobs_that_are_set_to_their_defaults_are_never_refused(name, planned):
    """So that one command line serves all models."""
    options = [f"{knob}={default}" for knob, (default, *_) in KNOBS.items()]
    assert outcome(planned(f"model={name}", *options), "d") == outcome(usual(name), "d")


@pytest.mark.parametrize("name", MODELS)
def test_the_weights_of_the_losses_are_the_knobs(name):
    knobs = {"lambda_cluster": 0.5, "gamma_triplet": 2}
    options = [f"{knob}={value}" for knob, value in knobs.items() if name in KNOBS[knob][2]]
    weights = model(name, *options).loss_weights
    assert ("cluster" in weights) is (name in CLUSTERED)
    assert weights.get("cluster", 0.5) == 0.5
    assert ("triplet" in weights) is (name == "temp_triplet")
    assert weights.get("triplet", 2) == 2


@pytest.mark.parametrize(
    ("overrides", "unread"),
    [
        (["task=categories", "attribute=valence"], "attribute=valence"),
        (["model=cnn_ae", "num_clusters=20"], "num_clusters=20"),
        (["model=temp_trans", "gamma_triplet=0.5"], "gamma_triplet=0.5"),
        (["model=deep_emocluster", "pretrain_rounds=3"], "pretrain_rounds=3"),
        (["model=acg_emocluster", "schedule=alternating", "pretrain_rounds=3"], "pretrain_rounds=3"),
    ],
)
def test_a_knob_that_the_choices_together_do_not_read_is_refused(overrides, unread, planned):
    option = unread.split("=")[0]
    with pytest.raises(ConfigurationError, match=rf"^{unread}: .*does not read it; leave {option} out\.$"):
        planned(*overrides)


def test_a_knob_that_a_part_brings_is_read(planned):
    made = planned(
        "model=temp_gru", "+regularizer@regularizers.triplet=triplet", "gamma_triplet=2", "data.chunks.max_seconds=4"
    )
    assert made.model["regularizers"]["triplet"]["weight"] == 2
