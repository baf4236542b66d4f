import pytest

from experiments.identity import outcome, run_hash, run_name


@pytest.fixture
def hash_of(composed):
    return lambda *overrides, data="d": run_hash(outcome(composed(*overrides), data))


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
        "model.training_defaults.rounds=50",
    ],
)
def test_what_does_not_decide_the_outcome_is_not_hashed(override, hash_of):
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
        "model.dropout=0.1",
        "features=acg",
        "features.clip=null",
        "sampler=natural",
        "data.chunks.rounding=exact",
        "callbacks.pseudo_labels.backend=torch",
        "callbacks.pseudo_labels.iterations=5",
        "trainer.precision=bf16-mixed",
        "trainer.devices=2",
    ],
)
def test_what_decides_the_outcome_is_hashed(override, hash_of):
    assert hash_of(override) != hash_of()


def test_the_data_are_hashed(hash_of):
    assert hash_of(data="a") != hash_of(data="b")


def test_keys_at_their_default_are_left_out(composed):
    decides = outcome(composed("model.dropout=0.1"), "d")
    assert decides["model"] == {"_target_": "sermodels.deep_emocluster.DeepEmoCluster", "dropout": 0.1}
    assert decides["features"] == {}


def test_name_of_a_run(composed):
    cfg = composed("seed=3", "attribute=valence", "model=acg_emocluster")
    decides = outcome(cfg, "d")
    assert run_name(cfg, decides) == f"acg_emocluster-synthetic-valence-s3-{run_hash(decides)}"
