"""Which values make another run, and that all of them are written down."""

import inspect
from dataclasses import asdict, replace

import pytest
from omegaconf import OmegaConf
from tiny_training import MODELS, plan

from callbacks.cluster_health import ClusterHealth
from callbacks.kmeans import chosen_backend
from experiments.config.from_hydra import make_plan
from experiments.config.identity import SCHEMA, outcome, run_hash, run_name
from sermodels.encoders.vgg import VGG16


@pytest.fixture
def hash_of(planned):
    return lambda *overrides, data="d": run_hash(outcome(planned(*overrides), data))


@pytest.mark.parametrize(
    "override",
    [
        "run_root=elsewhere",
        "store_root=elsewhere",
        "logger=wandb",
        "data.residency=disk",
        "trainer.progress_bar=false",
        "trainer.threads=1",
        "overwrite=true",
        "trainer.precision=32-true",
        "lambda_cluster=1",
        "features.power=2",
        "data.chunks.max_seconds=4",
        "training_defaults.rounds=50",
        "~callbacks.cluster_health",
    ],
)
def test_what_does_not_decide_the_outcome_is_not_hashed(override, hash_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a plan makes its folders
    assert hash_of(override) == hash_of()


@pytest.mark.parametrize(
    "override",
    [
        "seed=1",
        "num_clusters=20",
        "unlabeled_size=7",
        "lambda_cluster=0.5",
        "attribute=valence",
        "rounds=3",
        "batch_size=7",
        "model=acg_emocluster",
        "encoder.dropout=0.1",
        "encoder=acn_s",
        "optimization.sgd_lr=0.1",
        "temporal_net=gru sampler=sentence",
        "+regularizer@regularizers.triplet=triplet sampler=sentence",
        "features=acg",
        "features.clip=null",
        "sampler=natural",
        "data.chunks.rounding=exact",
        "callbacks.pseudo_labels.backend=torch",
        "callbacks.pseudo_labels.iterations=5",
        "callbacks.pseudo_labels.on_unlabeled=random",
        "trainer.precision=bf16-mixed",
        "trainer.devices=2",
        "trainer.channels_last=false",
        "task=categories",
        "task.criterion=chunk_loss",
    ],
)
def test_what_decides_the_outcome_is_hashed(override, hash_of):
    assert hash_of(*override.split()) != hash_of("sampler=sentence" if "sampler=sentence" in override else "seed=0")


def test_the_data_are_hashed(hash_of):
    assert hash_of(data="a") != hash_of(data="b")


def test_the_pools_order_is_in_the_data_and_not_hashed_beside_them(hash_of):
    """Which files of the pool are read is what the data's fingerprint is of."""
    assert hash_of("data.pool_seed=1") == hash_of()


def test_every_value_is_written_down_at_its_default_too():
    one = plan("temp_triplet")
    decides = outcome(one, "fingerprint")
    assert decides["schema"] == SCHEMA
    assert decides["data"] == "fingerprint"
    assert decides["features"] == asdict(one.data.features)
    assert decides["chunks"] == asdict(one.data.chunks)
    assert decides["task"] == {
        "_target_": "sermodels.tasks.attributes.Attributes",
        "attribute": "arousal",
        "ccc_variance": "population",
        "criterion": "ccc",
        "scale": None,
    }
    assert (decides["model"]["_target_"], decides["model"]["lambda_cluster"]) == (
        *("sermodels.temp_triplet.TempTriplet", 1),
    )
    assert decides["model"]["encoder"]["dropout"] == 0.5
    assert decides["model"]["temporal_net"] == {"_target_": "sermodels.temporal_nets.temporal_net.NoTemporalNet"}
    assert decides["model"]["regularizers"]["triplet"]["triplets_per_sentence"] == 10
    assert decides["model"]["optimization"]["adam_lr"] == 5e-4
    assert decides["schedule"]["rounds"] == 30
    assert decides["sampler"] == "datamodules.samplers.SentenceUniform"
    assert decides["callbacks"] == {
        "pseudo_labels": {
            "_target_": "callbacks.pseudo_labels.PseudoLabels",
            "num_clusters": 4,
            "seed": 0,
            "iterations": 20,
            "backend": chosen_backend("auto"),
            "on_unlabeled": "clusters",
        }
    }
    rest = {"unlabeled_size": 200, "batch_size": 8, "seed": 0, "devices": 1, "precision": "32-true"}
    assert {name: decides[name] for name in rest} == rest
    assert decides["channels_last"] is True


@pytest.mark.parametrize("name", MODELS)
def test_every_key_of_every_yaml_that_is_built_is_in_it(name):
    one = plan(name)
    decides = outcome(one, "d")

    def missing(node, there):
        for key, value in node.items():
            if isinstance(value, dict) and isinstance(there.get(key), dict):
                yield from missing(value, there[key])
            elif key not in there:
                yield key

    assert not list(missing(one.model, decides["model"]))
    assert not list(missing(one.task, decides["task"]))
    assert not list(missing(one.schedule, decides["schedule"]))


def test_a_schema_that_goes_up_makes_other_runs(monkeypatch, planned):
    before = outcome(planned(), "d")
    monkeypatch.setattr("experiments.config.identity.SCHEMA", SCHEMA + 1)
    assert run_hash(outcome(planned(), "d")) != run_hash(before)


def test_a_constructors_new_default_makes_another_run(monkeypatch):
    """Where a yaml leaves the value to the class: else the same command would give the old run back."""
    one = plan("deep_emocluster")
    encoder = {key: value for key, value in one.model["encoder"].items() if key != "dropout"}
    silent = replace(one, model={**one.model, "encoder": encoder})
    before = outcome(silent, "d")
    assert before == outcome(one, "d")  # the yaml says what the constructor does

    def other(self, dropout=0.1, attention_blocks=(), kv_pool=4, attention=True, num_frames=62, num_mels=128):
        raise AssertionError("never built for its name")

    assert inspect.signature(VGG16.__init__).parameters.keys() == inspect.signature(other).parameters.keys()
    monkeypatch.setattr(VGG16, "__init__", other)
    after = outcome(silent, "d")
    assert after["model"]["encoder"]["dropout"] == 0.1
    assert run_hash(after) != run_hash(before)


def test_a_settings_new_default_makes_another_run(composed):
    """Of the front end, whose yaml may leave a value to the dataclass."""
    one = plan("deep_emocluster")

    class Other(type(one.data.features)):
        def __init__(self, log_floor=1e-6, **rest):
            super().__init__(log_floor=log_floor, **rest)

    told = {name: value for name, value in asdict(one.data.features).items() if name != "log_floor"}
    other = replace(one, data=replace(one.data, features=Other(**told)))
    assert run_hash(outcome(other, "d")) != run_hash(outcome(one, "d"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("encoder.kv_pool", 2),
        ("regularizers.triplet.margin", 0.5),
        ("training_defaults.rounds", 31),
        ("features.n_fft", 1024),
        ("data.chunks.rounding", "exact"),
        ("pseudo_labels_iterations", 21),
    ],
)
def test_a_yamls_new_default_makes_another_run(key, value, composed):
    """The same command after an edit of conf/ is another run."""
    before, after = (composed("model=temp_triplet") for _ in range(2))
    key = "callbacks.pseudo_labels.iterations" if key == "pseudo_labels_iterations" else key
    assert OmegaConf.select(before, key) != value
    OmegaConf.update(after, key, value)
    assert run_hash(outcome(make_plan(after), "d")) != run_hash(outcome(make_plan(before), "d"))


def test_a_callback_that_has_no_say_is_not_in_it(planned):
    assert ClusterHealth.decides_outcome is False
    assert list(outcome(planned(), "d")["callbacks"]) == ["pseudo_labels"]


def test_a_callback_that_does_not_tell_is_taken_to_have_a_say(planned):
    watched = planned("+callbacks.mishap={_target_: callbacks.mishap.Mishap, kind: raise, value: 0}")
    decides = outcome(watched, "d")
    assert decides["callbacks"]["mishap"] == {
        "_target_": "callbacks.mishap.Mishap",
        "kind": "raise",
        "value": 0,
        "process": 0,
    }
    assert run_hash(decides) != run_hash(outcome(planned(), "d"))


def test_the_same_number_written_otherwise_is_the_same_run(hash_of):
    assert hash_of("lambda_cluster=2") == hash_of("lambda_cluster=2.0")


def test_name_of_a_run(planned):
    made = planned("seed=3", "attribute=valence", "model=acg_emocluster")
    decides = outcome(made, "d")
    assert run_name(made, decides) == f"acg_emocluster-synthetic-valence-s3-{run_hash(decides)}"
    named = planned("task=categories")
    assert run_name(named, decides).startswith("deep_emocluster-synthetic-categories-s0-")
