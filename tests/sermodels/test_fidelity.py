"""What was found in the released programs, and that `paper` does the opposite of each."""

import pytest
import pytorch_lightning as pl
import torch
from tiny_training import CHUNKS, CLUSTERS, MODELS, batch, data_for, model, plan, trainer

from callbacks.checkpoints import best_checkpoint
from sermodels.functional import concordance
from sermodels.metrics import BatchedChunkLoss


def head_of(model):
    return {name: p.detach().clone() for name, p in model.emotion_regressor.named_parameters()}


FROZEN, FREE = (f"fidelity.freeze_emotion_regressor={one}" for one in ("true", "false"))


@pytest.mark.parametrize(
    ("passes", "option", "moves"),
    [
        ("ULUL", FROZEN, False),
        ("ULUL", "fidelity=released", False),
        ("LL", FROZEN, True),
        ("ULUL", FREE, True),
        ("ULUL", "fidelity=paper", True),
    ],
)
def test_the_released_vanilla_program_never_trains_its_emotion_head_where_it_trains_on_u(
    passes, option, moves, tmp_path
):
    run, one = plan("deep_emocluster", option), model("deep_emocluster", option)
    head, encoder = head_of(one), one.encoder.output[0].weight.detach().clone()
    trainer(run, one, tmp_path, len(passes)).fit(one, datamodule=data_for(run, passes))
    assert any(not torch.equal(head_of(one)[name], before) for name, before in head.items()) is moves
    assert not torch.equal(one.encoder.output[0].weight, encoder)  # its loss still reaches the encoder


def test_a_frozen_head_stays_frozen_when_a_run_goes_on(tmp_path):
    run, first = plan("deep_emocluster", FROZEN), model("deep_emocluster", FROZEN)
    head = head_of(first)
    trainer(run, first, tmp_path, 1).fit(first, datamodule=data_for(run, "ULUL"))
    second = model("deep_emocluster", FROZEN)
    last = tmp_path / "checkpoints" / "last.ckpt"
    trainer(run, second, tmp_path, 4).fit(second, datamodule=data_for(run, "ULUL"), ckpt_path=last, weights_only=True)
    assert all(torch.equal(head_of(second)[name], before) for name, before in head.items())


class CountClusters(pl.Callback):
    """How often each cluster was drawn in the last pass."""

    def on_train_epoch_start(self, trainer, pl_module):
        self.drawn = torch.zeros(CLUSTERS, dtype=torch.long)

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.drawn += torch.bincount(batch.pseudo_labels.flatten(), minlength=CLUSTERS)


@pytest.mark.parametrize("sampler", ["ChunkUniform", "Reordered"])
def test_the_released_sampler_leaves_the_raw_distribution_of_clusters(sampler, tmp_path):
    option = f"fidelity.vanilla_sampler={sampler}"
    run, one, counts = plan("deep_emocluster", option), model("deep_emocluster", option), CountClusters()
    data = data_for(run, "L")
    trainer(run, one, tmp_path, 1, (counts,)).fit(one, datamodule=data)
    raw = torch.bincount(data.pseudo_labels.labels("L").flatten(), minlength=CLUSTERS)
    assert raw.max() > raw.min() + 1
    spread = counts.drawn.max() - counts.drawn.min()
    assert bool(spread <= 1) is (sampler == "ChunkUniform")
    assert counts.drawn.sum() == raw.sum()


def test_the_presets_choose_the_sampler():
    assert plan("deep_emocluster", "fidelity=paper").sampler.__name__ == "ChunkUniform"
    assert plan("deep_emocluster", "fidelity=released").sampler.__name__ == "Reordered"


def test_the_released_ccc_loss_leaves_one_nth_of_a_perfect_prediction():
    x = torch.randn(20, dtype=torch.float64)
    assert 1 - concordance(x, x, "released").item() == pytest.approx(1 / 20, abs=1e-12)
    assert 1 - concordance(x, x, "population").item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("variance", "left"), [("population", 0.0), ("released", 1 / (6 * CHUNKS))])
def test_what_is_left_of_a_perfect_predictions_loss_in_every_model(name, variance, left, monkeypatch):
    one = model(name, f"fidelity.ccc_variance={variance}")
    labels = torch.randn(6, 1, dtype=torch.float64)
    monkeypatch.setattr(one, "regress", lambda latents: labels[:, None].expand(*latents.shape[:2], 1))
    # Sums of 24 terms in float64.
    assert one.losses(batch(labels=labels))["ccc"].item() == pytest.approx(left, abs=1e-14)


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


@pytest.mark.parametrize(
    ("option", "chosen"),
    [
        ("fidelity.criterion=ccc", ("validation/ccc", "max")),
        ("fidelity.criterion=chunk_loss", ("validation/chunk_loss", "min")),
        ("fidelity=paper", ("validation/ccc", "max")),
        ("fidelity=released", ("validation/chunk_loss", "min")),
    ],
)
def test_the_criterion_decides_what_is_kept(option, chosen, tmp_path):
    one = model("deep_emocluster", option)
    best = best_checkpoint(tmp_path, one.task.criterion, one.task.criterion_mode)
    assert (best.monitor, best.mode) == chosen
    monitors = [
        (each.monitor, each.mode)
        for each in trainer(plan("deep_emocluster", option), one, tmp_path, 1).checkpoint_callbacks
        if each.monitor is not None
    ]
    assert monitors == [chosen]
