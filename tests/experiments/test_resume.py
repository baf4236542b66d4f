"""Stopping after any pass and going on equals never having stopped, bit for bit (CPU, fp32, dropout on)."""

import pytest
import pytorch_lightning as pl
import torch
from tiny_training import FRAMES, MELS, datamodule, trainer

from datamodules.samplers import ChunkUniform, Natural, SentenceUniform
from sermodels.acg_emocluster import ACGEmoCluster
from sermodels.cnn_ae import CNNAE
from sermodels.cnn_laddernet import CNNLadderNet
from sermodels.cnn_vae import CNNVAE
from sermodels.deep_emocluster import DeepEmoCluster
from sermodels.temp_cnn import TempCNN
from sermodels.temp_gru import TempGRU
from sermodels.temp_trans import TempTrans
from sermodels.temp_triplet import TempTriplet


class StopAfter(pl.Callback):
    """Ends a training as a kill between two passes would: after the checkpoint of a pass, before the next."""

    def __init__(self, passes):
        self.passes = passes

    def on_train_epoch_start(self, trainer, pl_module):
        if trainer.current_epoch == self.passes:
            raise InterruptedError


def fit(make, directory, passes, sampler, stop=None, resume=False):
    pl.seed_everything(0, verbose=False)
    model = make()
    data = datamodule(passes, sampler=sampler)
    # The stop comes first among the callbacks, so that nothing of the next pass has happened yet.
    one = trainer(directory, len(passes), losses=list(model.loss_weights), clustered=hasattr(model, "embed"))
    if stop is not None:
        one.callbacks.insert(0, StopAfter(stop))
    checkpoint = str(directory / "checkpoints" / "last.ckpt") if resume else None
    try:
        one.fit(model, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    except InterruptedError:
        assert stop is not None
    torch.rand(1)  # whatever the process does later must not matter
    return model, data


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


CASES = [
    pytest.param(
        lambda: DeepEmoCluster(4, num_frames=FRAMES, num_mels=MELS),
        "ULUL",
        ChunkUniform,
        id="deep_emocluster",
    ),
    pytest.param(
        lambda: ACGEmoCluster(4, attention_blocks=(1, 3), num_frames=FRAMES, num_mels=MELS),
        "UULL",
        SentenceUniform,
        id="acg_emocluster",
    ),
    *(
        pytest.param(
            lambda make=make: make(4, num_frames=FRAMES, num_mels=MELS), "ULUL", SentenceUniform, id=make.__name__
        )
        for make in (TempGRU, TempCNN, TempTrans, TempTriplet)
    ),
    *(
        pytest.param(lambda make=make: make(num_frames=FRAMES, num_mels=MELS), "ULUL", Natural, id=make.__name__)
        for make in (CNNAE, CNNVAE, CNNLadderNet)
    ),
]


@pytest.mark.parametrize(("make", "passes", "sampler"), CASES)
def test_resuming_after_any_pass_changes_nothing(make, passes, sampler, tmp_path):
    whole, data = fit(make, tmp_path / "whole", passes, sampler)
    expected = weights(whole)
    predictions = torch.cat([whole.eval()(b.chunks) for b in data.in_order("development", torch.device("cpu"))])
    names = ["history.csv", "clusters.csv"] if hasattr(whole, "embed") else ["history.csv"]
    tables = [(tmp_path / "whole" / name).read_text() for name in names]
    for stop in range(1, len(passes)):
        directory = tmp_path / f"stopped-{stop}"
        stopped, _ = fit(make, directory, passes, sampler, stop=stop)
        assert any(not torch.equal(value, expected[name]) for name, value in weights(stopped).items())
        resumed, data = fit(make, directory, passes, sampler, resume=True)
        assert all(torch.equal(value, expected[name]) for name, value in weights(resumed).items())
        again = torch.cat([resumed.eval()(b.chunks) for b in data.in_order("development", torch.device("cpu"))])
        assert torch.equal(again, predictions)
        for name, table in zip(names, tables, strict=True):
            assert without_seconds(directory / name) == without_seconds_text(table)
        best = [
            torch.load(d / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
            for d in (tmp_path / "whole", directory)
        ]
        assert all(torch.equal(best[0][name], best[1][name]) for name in best[0])


def without_seconds(path):
    return without_seconds_text(path.read_text())


def without_seconds_text(text):
    return [line.rsplit(",", 1)[0] for line in text.splitlines()]


def test_a_moved_run_keeps_its_best_model(tmp_path):
    """Lightning forgets the best score when the folder has another path; then any later model becomes the best."""
    make, passes, sampler = CASES[0].values
    fit(make, tmp_path / "here", passes, sampler, stop=2)
    (tmp_path / "here").rename(tmp_path / "there")
    best = tmp_path / "there" / "checkpoints" / "best.ckpt"
    before = best.read_bytes()
    state = torch.load(tmp_path / "there" / "checkpoints" / "last.ckpt", weights_only=True)
    for callback in state["callbacks"].values():
        if callback.get("monitor") == "validation/ccc":
            # As if the first model had been perfect: nothing that follows may replace it.
            callback["best_model_score"] = torch.tensor(1.0)
            callback["kth_value"] = torch.tensor(1.0)
            callback["best_k_models"] = {path: torch.tensor(1.0) for path in callback["best_k_models"]}
    torch.save(state, tmp_path / "there" / "checkpoints" / "last.ckpt")
    fit(make, tmp_path / "there", passes, sampler, resume=True)
    assert best.read_bytes() == before


def test_a_run_without_dropout_seeds_would_differ(tmp_path):
    """The guard of the test above: dropout does draw, so unkeyed randomness would be seen."""
    make, passes, sampler = CASES[0].values
    kept, _ = fit(make, tmp_path / "a", passes, sampler)
    other = trainer(tmp_path / "b", len(passes), seed=99)
    pl.seed_everything(0, verbose=False)
    model = make()
    other.fit(model, datamodule=datamodule(passes, sampler=sampler))
    assert any(not torch.equal(value, weights(kept)[name]) for name, value in weights(model).items())
