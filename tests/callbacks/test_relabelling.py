"""Whoever listens is told of every re-labelling; clusters.csv is one of those who do."""

import csv
import logging
from dataclasses import FrozenInstanceError

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger
from sklearn.metrics import normalized_mutual_info_score
from tiny_training import CHUNKS, CLUSTERS, data_for, model, plan, trainer

from callbacks.agreement import agreement
from callbacks.cluster_health import LOGGED, ClusterHealth, cluster_entropy
from callbacks.kmeans import make_kmeans
from callbacks.pseudo_labels import embed_set
from callbacks.relabelling import Relabelling, RelabellingListener
from datamodules.seeds import derive_seed


class Told(RelabellingListener):
    """Keeps what it was told, and how the training stood then."""

    def __init__(self, name="", order=None):
        self.name, self.order = name, [] if order is None else order
        self.made, self.stored, self.before_batch = [], [], []
        self.batches = 0

    def on_relabelling(self, trainer, pl_module, made):
        self.order.append((made.pass_index, self.name))
        self.made.append(made)
        self.stored.append(trainer.datamodule.pseudo_labels.labels(made.set_name).clone())
        self.before_batch.append(self.batches)

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.batches += 1


class Kept(Logger):
    """Keeps every curve."""

    name, version = "kept", 0

    def __init__(self):
        super().__init__()
        self.curves = {}

    def log_metrics(self, metrics, step=None):
        for name, value in metrics.items():
            self.curves.setdefault(name, []).append(value)

    def log_hyperparams(self, params, *args, **kwargs):
        """None are kept."""


class Deaf(pl.Callback):
    """Has the method and is no listener."""

    def on_relabelling(self, trainer, pl_module, made):
        raise AssertionError("told of a re-labelling, and never asked to be")


def fit(directory, passes, *options, callbacks=(), without=()):
    """The model and the data of a finished training, `without` callbacks of these classes."""
    case = ("temp_gru", *options)
    one, run = model(*case), plan(*case)
    data = data_for(run, passes)
    made = trainer(run, one, directory, len(passes), callbacks)
    made.callbacks[:] = [each for each in made.callbacks if not isinstance(each, without)]
    made.fit(one, datamodule=data)
    return one, data


def test_listeners_are_told_of_every_pass(tmp_path):
    told = Told()
    _, data = fit(tmp_path, "ULULL", callbacks=(told, Deaf()))
    assert [(made.pass_index, made.set_name) for made in told.made] == list(enumerate("ULULL"))
    # 24 sentences of L and 20 of U in batches of 8: before the pass's first batch.
    assert told.before_batch == [0, 3, 6, 9, 12]
    latest = {"U": None, "L": None}
    for made, stored in zip(told.made, told.stored, strict=True):
        sentences = len(data.sets[made.set_name])
        assert made.num_clusters == CLUSTERS
        assert made.labels.shape == (sentences, CHUNKS)
        assert torch.equal(made.labels, stored)
        assert made.labels.unique().tolist() == list(range(CLUSTERS))
        previous = latest[made.set_name]
        assert made.previous is None if previous is None else torch.equal(made.previous, previous)
        latest[made.set_name] = made.labels
        assert made.embeddings.shape == (sentences, CHUNKS, 256)
        assert made.embeddings.dtype == torch.float32
        assert made.embeddings.device.type == "cpu"
        assert made.reseeded == 0  # there are more unlike chunks than clusters
        assert made.inertia > 0
        assert made.seconds > 0


def test_what_is_told_of_is_what_was_made(tmp_path):
    """The labels are k-means' of the embeddings, and the embeddings are the model's as it was when the pass began."""
    told = Told()
    fit(tmp_path, "U", callbacks=(told,))
    one, run = model("temp_gru"), plan("temp_gru")
    (made,) = told.made
    assert torch.equal(made.embeddings, embed_set(one, one, data_for(run, "U"), "U"))
    again = make_kmeans("auto")(made.embeddings.flatten(0, 1), CLUSTERS, 20, derive_seed(run.seed, "clusters", 0))
    assert torch.equal(again.labels.view_as(made.labels), made.labels)
    assert again.inertia == made.inertia


def test_clusters_that_came_out_empty_are_counted_and_warned_of(tmp_path, caplog):
    told, one, run = Told(), model("deep_emocluster"), plan("deep_emocluster")
    data = data_for(run, "L")
    data.sets["L"].frames.fill_(1.0)  # all chunks alike: one cluster would hold them all
    with caplog.at_level(logging.WARNING):
        trainer(run, one, tmp_path, 1, (told,)).fit(one, datamodule=data)
    assert told.made[0].reseeded == CLUSTERS - 1
    assert "pass 0: 3 of 4 clusters of L were empty and got half of the largest one each" in caplog.text
    everything = len(data.sets["L"]) * CHUNKS
    assert f"one of 4 clusters of L holds {everything} of its {everything} chunks: they have collapsed" in caplog.text
    assert [row["reseeded"] for row in csv.DictReader((tmp_path / "clusters.csv").open())] == ["3"]


def test_a_collapse_is_told_with_its_numbers(tmp_path, caplog):
    """One cluster with nearly all, none of them empty; and few in use, twice in a row."""

    def tell(pass_index, sizes, reseeded, largest=None):
        labels = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes)).view(8, 8)
        found = reseeded, largest or max(sizes)
        health._warn_of_collapse(Relabelling(pass_index, "U", len(sizes), labels, None, None, 1.0, *found, 8.0, 0.1))
        told = [one.message for one in caplog.records]
        caplog.clear()
        return " ".join(told)

    health = ClusterHealth(tmp_path)
    assert "pass 1: one of 3 clusters of U holds 61 of its 64 chunks: they have collapsed" in tell(1, [61, 2, 1], 0)
    assert not tell(2, [60, 2, 2], 0)
    assert not tell(3, [16, 16, 16, 16], 2)  # half is not fewer than half
    assert not tell(4, [16, 16, 16, 16], 3)
    assert "pass 5: 1 of 4 clusters of U were used, for the 2. time in a row fewer" in tell(5, [16, 16, 16, 16], 3)
    assert not tell(6, [16, 16, 16, 16], 0)
    assert not tell(7, [16, 16, 16, 16], 3)
    # As k-means found them, before an empty one got half.
    assert "pass 8: one of 2 clusters of U holds 64 of its 64 chunks" in tell(8, [32, 32], 1, largest=64)


def test_loggers_get_the_numbers_of_the_table(tmp_path):
    one, run = model("temp_gru"), plan("temp_gru")
    made = trainer(run, one, tmp_path, 4)
    made.loggers = [kept := Kept()]
    made.fit(one, datamodule=data_for(run, "ULUL"))
    rows = list(csv.DictReader((tmp_path / "clusters.csv").open()))
    for row in rows:
        for column in LOGGED:
            curve = kept.curves.get(f"{row['set']}/clusters/{column}", [])
            known = [float(each[column]) for each in rows if each["set"] == row["set"] and each[column]]
            # Logged as float32.
            assert curve == pytest.approx(known, rel=1e-6), column


def test_a_record_is_not_to_be_changed(tmp_path):
    told = Told()
    fit(tmp_path, "L", callbacks=(told,))
    with pytest.raises(FrozenInstanceError):
        told.made[0].labels = None


def test_listeners_are_told_in_the_trainers_order(tmp_path):
    order = []
    first, second, third = (Told(name, order) for name in "abc")
    fit(tmp_path / "one", "UL", callbacks=(first, second, third))
    assert order == [(0, "a"), (0, "b"), (0, "c"), (1, "a"), (1, "b"), (1, "c")]
    order.clear()
    fit(tmp_path / "other", "U", callbacks=(third, first))
    assert order == [(0, "c"), (0, "a")]


def test_clusters_csv_is_a_listeners_and_nobody_elses(tmp_path):
    told = Told()
    with_table, _ = fit(tmp_path / "with", "UL", callbacks=(told,))
    without, _ = fit(tmp_path / "without", "UL", callbacks=(Told(),), without=(ClusterHealth,))
    assert (tmp_path / "with" / "clusters.csv").exists()
    assert not (tmp_path / "without" / "clusters.csv").exists()
    assert (tmp_path / "without" / "history.csv").exists()
    # Listening changes nothing.
    for name, value in with_table.state_dict().items():
        assert torch.equal(without.state_dict()[name], value)
    rows = list(csv.DictReader((tmp_path / "with" / "clusters.csv").open()))
    for row, made in zip(rows, told.made, strict=True):
        assert row["inertia"] == str(made.inertia)
        assert row["sizes"] == " ".join(map(str, torch.bincount(made.labels.flatten()).tolist()))
        assert row["entropy"] == str(round(cluster_entropy(made.labels, CLUSTERS), 6))


def test_a_run_without_the_callback_writes_no_table(tmp_path):
    fit(tmp_path, "L", "~callbacks.cluster_health")
    assert not (tmp_path / "clusters.csv").exists()
    assert (tmp_path / "history.csv").exists()


def test_the_table_is_cut_back_where_a_run_goes_on(tmp_path):
    fit(tmp_path, "ULUL")
    whole = [row["inertia"] for row in csv.DictReader((tmp_path / "clusters.csv").open())]
    one, run = model("temp_gru"), plan("temp_gru")
    fit(tmp_path / "again", "UL")
    trainer(run, one, tmp_path / "again", 4).fit(
        one,
        datamodule=data_for(run, "ULUL"),
        ckpt_path=tmp_path / "again" / "checkpoints" / "last.ckpt",
        weights_only=True,
    )
    resumed = list(csv.DictReader((tmp_path / "again" / "clusters.csv").open()))
    assert [(row["pass"], row["set"]) for row in resumed] == [("0", "U"), ("1", "L"), ("2", "U"), ("3", "L")]
    assert [row["inertia"] for row in resumed] == whole


@pytest.mark.parametrize(
    ("labels", "entropy"),
    [([[0, 0, 1, 1]], 1.0), ([[0, 0, 0, 0]], 0.0), ([[0, 0, 0, 1]], 0.8112781244591328)],
)
def test_entropy_of_two_clusters(labels, entropy):
    """In units of log 2: 0.811278 is 1/4 log2(4) + 3/4 log2(4/3)."""
    assert cluster_entropy(torch.tensor(labels), 2) == pytest.approx(entropy, abs=1e-6)


def test_agreement_with_the_clustering_before():
    generator = torch.Generator().manual_seed(0)
    one, other = torch.randint(4, (2, 10, 4), generator=generator)
    assert agreement(one, None) is None
    assert agreement(one, other[:5]) is None  # of another set of sentences
    assert agreement(one, 3 - one) == pytest.approx(1, abs=1e-12)
    expected = normalized_mutual_info_score(other.flatten().numpy(), one.flatten().numpy())
    assert agreement(one, other) == pytest.approx(expected, abs=1e-12)
