"""What the yaml files compose to: every choice there is, and what the papers say of each."""

import pytest
from hydra.utils import get_object
from omegaconf import OmegaConf
from tiny_training import CLUSTERED, MODELS

from experiments import CONF
from experiments.config.composing import choices
from experiments.config.targets import with_defaults
from sermodels.parts import constructor_parameters

GIVEN_BY_THE_PROGRAM = {
    "model": {"num_frames", "num_mels"},
    "schedule": {"has_unlabeled"},
    "callbacks": {"directory"},
    "encoder": {"num_frames", "num_mels"},
    "temporal_net": {"num_features"},
    "regularizers": {"encoder"},
    "decoder": {"encoder"},
    "task": {"scale", "counts"},
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("data", choices("data"))
def test_every_model_composes_with_every_corpus(name, data, planned):
    made = planned(f"model={name}", f"data={data}", "data.root=somewhere")
    assert made.model_name == name
    assert made.data.name == data


@pytest.mark.parametrize("experiment", choices("experiment"))
def test_every_experiment_composes(experiment, planned):
    made = planned(f"experiment={experiment}", "data.root=somewhere", "data.unlabeled_dir=somewhere")
    assert made.model_name in MODELS


def lists(value):
    """Plain data with lists for tuples, which is what a yaml can say."""
    if isinstance(value, dict):
        return {key: lists(one) for key, one in value.items()}
    return [lists(one) for one in value] if isinstance(value, list | tuple) else value


def told(made):
    """Everything that the config tells the model's constructor, its task too."""
    return {**made.model, "task": made.task}


def nodes(made):
    """Everything of a plan that is built: where it stands, and its node."""
    yield "model", told(made)
    yield "schedule", made.schedule
    for slot, node in told(made).items():
        if slot == "regularizers":
            yield from (("regularizers", one) for one in node.values())
            yield from (("decoder", one["decoder"]) for one in node.values() if "decoder" in one)
        elif isinstance(node, dict):
            yield slot, node
    yield from (("callbacks", node) for node in made.callbacks.values())


@pytest.mark.parametrize("name", MODELS)
def test_yaml_keys_are_the_constructors_arguments(name, planned):
    for group, node in nodes(planned(f"model={name}")):
        arguments = set(constructor_parameters(get_object(node["_target_"])))
        assert set(node) - {"_target_"} == arguments - GIVEN_BY_THE_PROGRAM.get(group, set()), node["_target_"]


@pytest.mark.parametrize("name", MODELS)
def test_yaml_defaults_are_the_constructors_defaults(name, planned):
    """So TempGRU() in a notebook is the model that `model=temp_gru` is."""
    made = told(planned(f"model={name}"))
    kind = get_object(made["_target_"])
    parameters = constructor_parameters(kind)
    for argument in set(parameters) - GIVEN_BY_THE_PROGRAM["model"]:
        default = parameters[argument].default
        default = kind.own(argument, None) if default is None else default
        assert lists(with_defaults({argument: made[argument]})) == lists(with_defaults({argument: default})), argument


SETUP = {
    "deep_emocluster": ("alternating", "vanilla", "deepemocluster"),
    **{
        name: ("alternating", "sentence", "deepemocluster")
        for name in ("temp_gru", "temp_cnn", "temp_trans", "temp_triplet")
    },
    "acg_emocluster": ("pretrain_then_joint", "sentence", "acg"),
    "cnn_regressor": ("supervised", "natural", "deepemocluster"),
    **{name: ("alternating", "natural", "deepemocluster") for name in ("cnn_ae", "cnn_vae", "cnn_laddernet")},
}


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_its_schedule_sampler_features_and_clusters(name, composed):
    cfg = composed(f"model={name}", "data.root=somewhere")
    assert set(SETUP) == set(MODELS)
    for group, choice in zip(("schedule", "sampler", "features"), SETUP[name], strict=True):
        chosen = OmegaConf.load(CONF / group / f"{choice}.yaml")
        assert OmegaConf.to_container(cfg[group], resolve=False) == OmegaConf.to_container(chosen, resolve=False)
    assert (name in CLUSTERED) is (not name.startswith("cnn_"))
    assert (name in CLUSTERED) is ("callbacks" in cfg)
    assert set(cfg.get("callbacks", {})) == ({"pseudo_labels", "cluster_health"} if name in CLUSTERED else set())


def test_the_papers_preset_is_the_papers(planned):
    made = planned("experiment=acg_paper", "data.root=somewhere", "data.unlabeled_dir=elsewhere")
    assert (made.data.name, made.data.unlabeled_size, made.passes.count("L"), made.passes.count("U")) == (
        *("msp_podcast", 15_000, 50, 50),
    )
    assert (made.batch_size, made.model["num_clusters"]) == (32, 10)
    usual = planned("model=acg_emocluster").model
    assert made.model == usual | {"encoder": usual["encoder"] | {"kv_pool": 1}}


@pytest.mark.parametrize(
    ("name", "rounds", "batch_size"),
    [
        ("deep_emocluster", 50, 64),
        ("acg_emocluster", 50, 32),
        *((name, 30, 64) for name in ("temp_gru", "temp_cnn", "temp_trans", "temp_triplet")),
        *((name, 30, 64) for name in ("cnn_regressor", "cnn_ae", "cnn_vae", "cnn_laddernet")),
    ],
)
def test_training_defaults_are_the_papers(name, rounds, batch_size, composed):
    cfg = composed(f"model={name}")
    assert (cfg.rounds, cfg.batch_size) == (rounds, batch_size)
    assert (cfg.num_clusters, cfg.lambda_cluster, cfg.gamma_triplet) == (10, 1, 1)


def test_the_supervised_baseline_trains_on_labels_alone_without_being_told(composed):
    assert composed("model=cnn_regressor").unlabeled_size == 0
    assert composed("model=cnn_ae").unlabeled_size == 200  # the built-in corpus's


def test_schedules(planned):
    def passes(*overrides):
        options = ("rounds=2", "training_defaults.pretrain_rounds=3", "unlabeled_size=10")
        return "".join(planned(*options, *overrides).passes)

    assert passes("model=deep_emocluster") == "ULUL"
    assert passes("model=deep_emocluster", "unlabeled_size=0") == "LL"
    assert passes("model=acg_emocluster") == "UUULL"
    assert passes("model=acg_emocluster", "unlabeled_size=0") == "LL"
    assert passes("model=acg_emocluster", "schedule=alternating") == "ULUL"
    assert passes("schedule=supervised", "unlabeled_size=0") == "LL"
