"""Stopping after any pass and going on equals never having stopped, bit for bit (CPU, fp32, dropout on)."""

from dataclasses import replace

import pytest
import pytorch_lightning as pl
import torch
from tiny_training import CLUSTERED, EVERY_MODEL, data_for, model, plan, sentence_set, told_by, trainer

# Every set that a model's schedule reads, each read again with what the passes before have left.
SHORT = ("rounds=2", "training_defaults.pretrain_rounds=2")


class StopAfter(pl.Callback):
    """Ends a training as a kill between two passes would: after the checkpoint of a pass, before the next."""

    def __init__(self, passes):
        self.passes = passes

    def on_train_epoch_start(self, trainer, pl_module):
        if trainer.current_epoch == self.passes:
            raise InterruptedError


def fit(name, directory, stop=None, resume=False, seed_of_batches=None):
    one = plan(name, *SHORT)
    module = model(name, *SHORT, **told_by(one, sentence_set("L", 24, 1)))
    data = data_for(one, one.passes, module.task)
    seeded = one if seed_of_batches is None else replace(one, seed=seed_of_batches)
    runner = trainer(seeded, module, directory, len(one.passes))
    # The stop comes first among the callbacks, so that nothing of the next pass has happened yet.
    if stop is not None:
        runner.callbacks.insert(0, StopAfter(stop))
    checkpoint = str(directory / "checkpoints" / "last.ckpt") if resume else None
    try:
        runner.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    except InterruptedError:
        assert stop is not None
    torch.rand(1)  # whatever the process does later must not matter
    return module, data


def weights(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def predictions(module, data):
    return torch.cat([module.eval()(b.chunks) for b in data.in_order("development", torch.device("cpu"))])


def best_weights(directory):
    return torch.load(directory / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]


def without_seconds(path):
    return [line.rsplit(",", 1)[0] for line in path.read_text().splitlines()]


@pytest.mark.parametrize("name", EVERY_MODEL)
def test_resuming_after_any_pass_changes_nothing(name, tmp_path):
    whole, data = fit(name, tmp_path / "whole")
    passes = len(data.passes)
    assert passes >= 2
    expected, best = weights(whole), best_weights(tmp_path / "whole")
    predicted = predictions(whole, data)
    tables = ["history.csv", "clusters.csv"] if name in CLUSTERED else ["history.csv"]
    for stop in range(1, passes):
        directory = tmp_path / f"stopped-{stop}"
        stopped, _ = fit(name, directory, stop=stop)
        assert any(not torch.equal(value, expected[key]) for key, value in weights(stopped).items())
        resumed, data = fit(name, directory, resume=True)
        assert all(torch.equal(value, expected[key]) for key, value in weights(resumed).items())
        assert torch.equal(predictions(resumed, data), predicted)
        for table in tables:
            assert without_seconds(directory / table) == without_seconds(tmp_path / "whole" / table)
            assert len(without_seconds(directory / table)) == 1 + passes
        again = best_weights(directory)
        assert all(torch.equal(value, again[key]) for key, value in best.items())


def test_the_sets_that_a_schedule_reads_are_resumed():
    """The guard of the test above: it stops after passes over U and over L, alternating and in two phases."""
    assert {name: "".join(plan(name, *SHORT).passes) for name in ("temp_gru", "acg_emocluster", "cnn_regressor")} == {
        "temp_gru": "ULUL",
        "acg_emocluster": "UULL",
        "cnn_regressor": "LL",
    }


def test_a_moved_run_keeps_its_best_model(tmp_path):
    """Lightning forgets the best score when the folder has another path; then any later model becomes the best."""
    fit("deep_emocluster", tmp_path / "here", stop=2)
    (tmp_path / "here").rename(tmp_path / "there")
    best = tmp_path / "there" / "checkpoints" / "best.ckpt"
    before = best.read_bytes()
    state = torch.load(tmp_path / "there" / "checkpoints" / "last.ckpt", weights_only=True)
    changed = 0
    for callback in state["callbacks"].values():
        if callback.get("monitor") == "validation/ccc":
            # As if the first model had been perfect: nothing that follows may replace it.
            callback["best_model_score"] = torch.tensor(1.0)
            callback["kth_value"] = torch.tensor(1.0)
            callback["best_k_models"] = {path: torch.tensor(1.0) for path in callback["best_k_models"]}
            changed += 1
    assert changed == 1
    torch.save(state, tmp_path / "there" / "checkpoints" / "last.ckpt")
    fit("deep_emocluster", tmp_path / "there", resume=True)
    assert best.read_bytes() == before


def test_a_run_without_dropout_seeds_would_differ(tmp_path):
    """The guard of the first test: dropout does draw, so unkeyed randomness would be seen."""
    kept, _ = fit("deep_emocluster", tmp_path / "a")
    other, _ = fit("deep_emocluster", tmp_path / "b", seed_of_batches=99)
    assert any(not torch.equal(value, weights(kept)[name]) for name, value in weights(other).items())
