import csv
import os
import time

import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from tiny_training import CHUNKS, CLUSTERED, CLUSTERS, data_for, model, plan, trainer

from callbacks.pseudo_labels import embed_set
from callbacks.relabelling import RelabellingListener
from datamodules import large_tensors


class Watch(pl.Callback):
    """Keeps what every pass trained on, and what the encoder would have been clustered to."""

    def __init__(self):
        self.seen = {}
        self.versions = []
        self.tops = []
        self.modes = set()

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        data = trainer.datamodule
        stored = data.pseudo_labels.labels(batch.set_name)
        assert torch.equal(batch.pseudo_labels, stored[batch.sentence_ids[:, None], batch.positions])
        assert (batch.pseudo_labels >= 0).all()
        assert batch.set_name == data.passes[trainer.current_epoch]
        if batch_idx == 0:
            self.versions.append(data.pseudo_labels.made_for_pass(batch.set_name))
            self.tops.append(pl_module.cluster_classifier.top.weight.detach().clone())
        self.modes.add(pl_module.training)
        self.seen.setdefault(trainer.current_epoch, []).append((batch.sentence_ids, batch.positions))


def fit(directory, passes, *case, callbacks=()):
    """The data of a finished training."""
    one, run = model(*case), plan(*case)
    data = data_for(run, passes)
    trainer(run, one, directory, len(passes), callbacks).fit(one, datamodule=data)
    return data


@pytest.mark.parametrize("name", CLUSTERED)
def test_labels_are_fresh_in_every_pass(name, tmp_path):
    watch = Watch()
    fit(tmp_path, "ULUL", name, callbacks=(watch,))
    assert watch.versions == [0, 1, 2, 3]
    assert watch.modes == {True}
    # The classifier's last layer is drawn anew before each pass.
    assert all(not torch.equal(a, b) for a, b in zip(watch.tops, watch.tops[1:], strict=False))
    # 1,024 draws: the deviation's own deviation is 2.2 %, so 20 % is nine of them.
    assert all(abs(top.std().item() - 0.01) < 0.002 for top in watch.tops)


def test_every_pass_reads_a_whole_set_of_chunks(tmp_path):
    watch = Watch()
    data = fit(tmp_path, "UL", "deep_emocluster", "sampler=natural", callbacks=(watch,))
    for number, name in enumerate("UL"):
        chunks = torch.cat([ids * CHUNKS + positions[:, 0] for ids, positions in watch.seen[number]])
        assert chunks.sort().values.tolist() == list(range(len(data.sets[name]) * CHUNKS))


def test_clusters_csv_tells_what_happened(tmp_path):
    data = fit(tmp_path, "ULUL", "deep_emocluster")
    rows = list(csv.DictReader((tmp_path / "clusters.csv").open()))
    assert [(row["pass"], row["set"]) for row in rows] == [("0", "U"), ("1", "L"), ("2", "U"), ("3", "L")]
    for row in rows:
        sizes = list(map(int, row["sizes"].split()))
        assert len(sizes) == CLUSTERS
        assert sum(sizes) == len(data.sets[row["set"]]) * CHUNKS
        assert (min(sizes), max(sizes)) == (int(row["smallest"]), int(row["largest"]))
        assert 0 < float(row["entropy"]) <= 1
    assert [row["nmi_to_previous"] == "" for row in rows] == [True, True, False, False]


def test_history_has_a_row_a_pass_and_validates_after_l_only(tmp_path):
    fit(tmp_path, "UULL", "deep_emocluster")
    rows = list(csv.DictReader((tmp_path / "history.csv").open()))
    assert [row["set"] for row in rows] == list("UULL")
    for row in rows:
        labeled = row["set"] == "L"
        assert bool(row["ccc"]) is labeled
        assert bool(row["validation/ccc"]) is labeled
        total = float(row["cluster"]) + (float(row["ccc"]) if labeled else 0)
        # The mean of sums and the sum of means, of float32 losses.
        assert float(row["loss"]) == pytest.approx(total, rel=1e-5)
    assert (tmp_path / "checkpoints" / "best.ckpt").exists()


class Slow(RelabellingListener):
    def on_relabelling(self, trainer, pl_module, made):
        time.sleep(0.5)


def test_a_pass_takes_the_time_of_its_relabelling_too(tmp_path):
    fit(tmp_path, "UL", "deep_emocluster", callbacks=(Slow(),))
    for row in csv.DictReader((tmp_path / "history.csv").open()):
        assert float(row["seconds"]) >= 0.5


@pytest.mark.parametrize("name", CLUSTERED)
def test_embedding_is_taken_in_evaluation_mode(name):
    """With dropout on, two embeddings of one set would differ."""
    one, data = model(name, "encoder.dropout=0.9"), data_for(plan(name), "L")
    one.train()
    first, second = embed_set(one, one, data, "L"), embed_set(one, one, data, "L")
    assert torch.equal(first, second)
    assert first.shape == (24, CHUNKS, 256)
    assert one.training


def test_embeddings_on_the_disk_give_the_same_training(tmp_path, monkeypatch):
    fit(tmp_path / "memory", "UL", "deep_emocluster")
    set_aside, bytes_of = os.posix_fallocate, []
    monkeypatch.setattr(large_tensors, "free_memory", lambda: 0)
    monkeypatch.setattr(os, "posix_fallocate", lambda *one: [bytes_of.append(one[2]), set_aside(*one)])
    fit(tmp_path / "disk", "UL", "deep_emocluster")
    of_memory, of_disk = (
        pd.read_csv(tmp_path / place / "history.csv").drop(columns="seconds") for place in ("memory", "disk")
    )
    assert of_memory.equals(of_disk)
    assert bytes_of == [len(data_for(plan("deep_emocluster"), "UL").sets[name]) * CHUNKS * 256 * 4 for name in "UL"]
    assert len(of_memory) == 2


def labels_of_passes(directory, on_unlabeled, passes="UL"):
    """What was learnt in the first pass over U and over L."""
    kept = {}

    class Keep(pl.Callback):
        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            kept.setdefault(batch.set_name, trainer.datamodule.pseudo_labels.labels(batch.set_name).clone())

    option = f"callbacks.pseudo_labels.on_unlabeled={on_unlabeled}"
    fit(directory, passes, "deep_emocluster", option, callbacks=(Keep(),))
    return kept["U"], kept["L"]


def test_controls_of_what_u_learns_from(tmp_path):
    """The clusters of U go to other sentences, or are none; those of L stay what they are."""
    made = {name: labels_of_passes(tmp_path / name, name) for name in ("clusters", "shuffled", "random")}
    clusters, shuffled, random = (made[name][0] for name in ("clusters", "shuffled", "random"))
    assert not torch.equal(clusters, shuffled)
    assert sorted(clusters.tolist()) == sorted(shuffled.tolist())  # whole sentences, each once
    assert not any(torch.equal(random, one) for one in (clusters, shuffled))
    assert sorted(random.tolist()) != sorted(clusters.tolist())
    assert all(made[name][1].unique().tolist() == list(range(CLUSTERS)) for name in made)


def test_random_labels_are_drawn_anew_for_every_pass_and_again_for_every_run(tmp_path):
    kept = []

    class Keep(pl.Callback):
        def on_train_epoch_end(self, trainer, pl_module):
            kept.append(trainer.datamodule.pseudo_labels.labels("U").clone())

    for attempt in ("one", "two"):
        option = "callbacks.pseudo_labels.on_unlabeled=random"
        fit(tmp_path / attempt, "UU", "deep_emocluster", option, callbacks=(Keep(),))
    assert not torch.equal(kept[0], kept[1])
    assert torch.equal(kept[0], kept[2])
    assert torch.equal(kept[1], kept[3])
