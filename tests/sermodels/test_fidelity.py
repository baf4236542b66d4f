"""What was found in the released programs, and that `paper` does the opposite of each."""

import pytest
import pytorch_lightning as pl
import torch
from tiny_training import CHUNKS, FRAMES, MELS, datamodule, trainer

from callbacks.checkpoints import best_checkpoint
from datamodules.batch import ChunkBatch
from datamodules.processes import Share
from datamodules.samplers import ChunkUniform, Natural
from sermodels.cnn_ae import CNNAE
from sermodels.cnn_laddernet import CNNLadderNet
from sermodels.cnn_regressor import CNNRegressor
from sermodels.cnn_vae import CNNVAE
from sermodels.deep_emocluster import DeepEmoCluster
from sermodels.functional import concordance
from sermodels.metrics import BatchedChunkLoss
from sermodels.temp_cnn import TempCNN
from sermodels.temp_gru import TempGRU
from sermodels.temp_trans import TempTrans
from sermodels.temp_triplet import TempTriplet

SIZE = {"num_frames": FRAMES, "num_mels": MELS}


def head_of(model):
    return {name: p.detach().clone() for name, p in model.emotion_regressor.named_parameters()}


@pytest.mark.parametrize(
    ("passes", "frozen", "moves"), [("ULUL", True, False), ("LL", True, True), ("ULUL", False, True)]
)
def test_the_released_vanilla_program_never_trains_its_emotion_head_where_it_trains_on_u(
    passes, frozen, moves, tmp_path
):
    torch.manual_seed(0)
    model = DeepEmoCluster(4, freeze_emotion_regressor=frozen, **SIZE)
    head, encoder = head_of(model), model.encoder.output[0].weight.detach().clone()
    trainer(tmp_path, len(passes)).fit(model, datamodule=datamodule(passes))
    assert any(not torch.equal(head_of(model)[name], before) for name, before in head.items()) is moves
    assert not torch.equal(model.encoder.output[0].weight, encoder)  # its loss still reaches the encoder


def test_a_frozen_head_stays_frozen_when_a_run_goes_on(tmp_path):
    torch.manual_seed(0)
    first = DeepEmoCluster(4, freeze_emotion_regressor=True, **SIZE)
    head = head_of(first)
    trainer(tmp_path, 1).fit(first, datamodule=datamodule("ULUL"))
    second = DeepEmoCluster(4, freeze_emotion_regressor=True, **SIZE)
    last = tmp_path / "checkpoints" / "last.ckpt"
    trainer(tmp_path, 4).fit(second, datamodule=datamodule("ULUL"), ckpt_path=last, weights_only=True)
    assert all(torch.equal(head_of(second)[name], before) for name, before in head.items())


class CountClusters(pl.Callback):
    """How often each cluster was drawn in the last pass."""

    def on_train_epoch_start(self, trainer, pl_module):
        self.drawn = torch.zeros(4, dtype=torch.long)

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.drawn += torch.bincount(batch.pseudo_labels.flatten(), minlength=4)


@pytest.mark.parametrize("sampler", [ChunkUniform, Natural])
def test_the_released_sampler_leaves_the_raw_distribution_of_clusters(sampler, tmp_path):
    torch.manual_seed(0)
    counts, data = CountClusters(), datamodule("L", sampler=sampler)
    trainer(tmp_path, 1, callbacks=[counts]).fit(DeepEmoCluster(4, **SIZE), datamodule=data)
    raw = torch.bincount(data.pseudo_labels.labels("L").flatten(), minlength=4)
    assert raw.max() > raw.min() + 1
    if sampler is Natural:
        assert torch.equal(counts.drawn, raw)
    else:
        assert counts.drawn.max() - counts.drawn.min() <= 1


def test_the_released_ccc_loss_leaves_one_nth_of_a_perfect_prediction():
    x = torch.randn(20, dtype=torch.float64)
    assert 1 - concordance(x, x, "released").item() == pytest.approx(1 / 20, abs=1e-12)
    assert 1 - concordance(x, x, "population").item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    "make",
    [DeepEmoCluster, TempGRU, TempCNN, TempTrans, TempTriplet, CNNRegressor, CNNAE, CNNVAE, CNNLadderNet],
)
@pytest.mark.parametrize(("variance", "left"), [("population", 0.0), ("released", 1 / (6 * CHUNKS))])
def test_what_is_left_of_a_perfect_predictions_loss_in_every_model(make, variance, left, monkeypatch):
    model = make(ccc_variance=variance, **SIZE)
    one = ChunkBatch(
        "L",
        torch.arange(6),
        torch.arange(CHUNKS).expand(6, -1),
        torch.randn(6, CHUNKS, FRAMES, MELS),
        torch.randn(6, 1, dtype=torch.float64),
        torch.zeros(6, CHUNKS, dtype=torch.long),
        Share(0, 6, 6),
    )
    monkeypatch.setattr(model, "regress", lambda latents: one.labels[:, None].expand(*latents.shape[:2], 1))
    # Sums of 24 terms in float64.
    assert model.losses(one)["ccc"].item() == pytest.approx(left, abs=1e-14)


def test_the_released_development_loss_is_a_mean_over_batches_of_704_chunks():
    torch.manual_seed(0)
    outputs, labels = torch.randn(100, 11, 1), torch.randn(100, 1)  # 1,100 chunks: batches of 704 and 396
    labels[3] = torch.nan
    metric = BatchedChunkLoss()
    for part in torch.arange(100).split(7):  # whatever the batches are in which they come
        metric.update(outputs[part], labels[part])
    rated = torch.arange(100) != 3
    flat, repeated = outputs[rated].flatten().double(), labels[rated].repeat_interleave(11, 0).flatten().double()
    expected = [
        1 - concordance(flat[some], repeated[some], "released").item() for some in (slice(0, 704), slice(704, None))
    ]
    assert metric.compute().item() == pytest.approx(sum(expected) / 2, abs=1e-12)
    empty = BatchedChunkLoss()
    empty.update(torch.randn(2, 11, 1), torch.full((2, 1), torch.nan))
    assert empty.compute().isnan()


def test_the_criterion_decides_what_is_kept(tmp_path):
    chosen = {name: best_checkpoint(tmp_path, name) for name in ("ccc", "chunk_loss")}
    assert [(one.monitor, one.mode) for one in chosen.values()] == [
        ("validation/ccc", "max"),
        ("validation/chunk_loss", "min"),
    ]
