"""`make bench` measures every model that there is, each with its own features."""

import json
import sys
from datetime import datetime

import pytest
import torch

from datamodules.errors import DataError
from experiments.bench import __main__ as bench
from experiments.bench import attention_cost, batch_cost, extraction_cost, released_cost
from experiments.bench.attention_cost import attention_costs
from experiments.bench.batch_cost import batch_costs, order_costs
from experiments.bench.chunk_cost import chunk_costs, every_model, shape_of
from experiments.bench.extraction_cost import extraction_costs
from experiments.bench.kmeans_cost import kmeans_costs
from experiments.bench.own_process import apart
from experiments.bench.process_cost import process_costs
from experiments.bench.released_cost import released_costs
from experiments.bench.round_cost import round_costs
from experiments.bench.rows import print_rows
from experiments.bench.scale_cost import scale_costs
from experiments.bench.start_cost import start_costs
from experiments.bench.timing import in_turn
from experiments.bench.trainer_cost import trainer_costs
from experiments.config.composing import choices

CPU = torch.device("cpu")
PIECE = "encoder.num_filters=2 encoder.num_features=8"


def test_every_model_can_be_asked_for(planned):
    assert {one.split()[0] for one in every_model()} >= {f"model={name}" for name in choices("model")}
    for overrides in every_model():
        assert planned(*overrides.split()).model_name in overrides


@pytest.mark.parametrize(
    ("overrides", "chunks"),
    [
        ("model=cnn_regressor", 22),
        (f"model=began {PIECE}", 11),
        (f"model=frozen_classifier pretrained.weights=random {PIECE}", 11),
    ],
)
def test_a_row_a_model(overrides, chunks):
    row, *others = chunk_costs([overrides], sentences=2, repeats=3, device=CPU)
    assert all(one["precision"] == "bf16" for one in others)  # where this processor has it
    assert (row["options"], row["precision"], row["chunks a batch"]) == (f"`{overrides}`", "fp32", chunks)
    # A step embeds, too; of a frozen encoder it does little else, and a busy machine may time that slower.
    assert row["training step, ms a chunk"] > row["embedding, ms a chunk"] / 2 > 0


def test_a_round_is_a_training_of_its_own_data():
    small = "model=deep_emocluster features.num_mels=16 data.chunks.window_seconds=0.2 batch_size=8 num_clusters=3"
    rows = list(round_costs([small], labeled=20, unlabeled=24))
    expected = [("U", 24, 3), ("L", 20, 3), ("a round", 44, 6)]
    assert [(row["set"], row["sentences"], row["batches"]) for row in rows] == expected
    assert all(row["seconds"] > row["of them embedding and k-means"] > 0 for row in rows)


def test_every_way_of_storing_gives_its_row():
    rows = {str(row["what"]): row for row in batch_costs(sentences=70, repeats=2)}
    assert set(rows) == {f"chunks from {way}" for way in ("memory", "memory-mapped", "a .npy a sentence")}
    for row in rows.values():
        assert 0 < row["fastest"] <= row["ms a chunk"] <= row["slowest"]


def test_every_order_is_drawn(monkeypatch):
    monkeypatch.setattr(batch_cost, "DRAWN", 300)
    rows = list(order_costs(repeats=1))
    assert [str(row["what"]).split(",")[0] for row in rows] == ["SentenceUniform", "ChunkUniform", "Natural"]
    assert all(row["seconds a pass"] > 0 for row in rows)


@pytest.mark.slow
def test_what_a_user_waits_for():
    first, answer = start_costs("model=deep_emocluster num_clusters=3 batch_size=6", repeats=1)
    assert "first batch" in str(first["what"])
    assert 0 < answer["seconds"] < first["seconds"]  # the answer needs no PyTorch


def test_works_are_measured_in_turn():
    done = []
    found = in_turn({name: lambda name=name: done.append(name) for name in "ab"}, repeats=3)
    assert done == list("abababab")  # the first of each is not counted
    assert found["a"].low <= found["a"].median <= found["a"].high


def test_backends_cluster_the_same_points():
    rows = list(kmeans_costs([400], [4], repeats=1, device=CPU))
    assert {row["backend"] for row in rows} >= {"torch (CPU)", "scikit-learn (CPU)"}
    # Random starts of their own: near one another and far from one cluster alone, whose points are at 2 D = 512.
    inertias = [row["inertia a point"] for row in rows]
    assert max(inertias) == pytest.approx(min(inertias), rel=0.1)
    assert all(256 < one < 512 for one in inertias)


def test_rows_are_printed_as_they_come_and_kept(tmp_path, capsys):
    rows = [
        {"what": "a", "seconds": 0.01234, "n": 1234, "GPU GB": None},
        {"what": "b", "seconds": 1234.5, "n": 2, "GPU GB": 1.0},
    ]
    file = print_rows("planted", rows, tmp_path / "bench", ["planted", "--repeats", "2"])
    assert capsys.readouterr().out.splitlines() == [
        "| what | seconds | n | GPU GB |",
        "| --- | --- | --- | --- |",
        "| a | 0.0123 | 1,234 |  |",
        "| b | 1,234 | 2 | 1.00 |",
    ]
    kept = json.loads(file.read_text())
    assert kept["rows"] == rows
    assert kept["environment"]["processor"]
    assert kept["command"] == ["planted", "--repeats", "2"]
    assert datetime.fromisoformat(kept["date"]).tzinfo


def test_rows_that_were_measured_before_one_failed_are_kept(tmp_path):
    def rows():
        yield {"what": "a", "seconds": 1.5}
        raise OSError("no answer")

    with pytest.raises(OSError, match="no answer"):
        print_rows("planted", rows(), tmp_path, [])
    (file,) = tmp_path.iterdir()
    assert json.loads(file.read_text())["rows"] == [{"what": "a", "seconds": 1.5}]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["kmeans", "--points", "5"], "--points 5 cannot be put into --clusters 50"),
        (["extraction", "--labeled", "0"], "--labeled: 0 is none"),
        (["chunks", "--repeats", "-1"], "--repeats: -1 is none"),
        (["chunks", "--gpu", "model=temp_gru"], "--gpu: PyTorch finds no CUDA GPU"),
    ],
)
def test_what_cannot_be_measured_is_told(asked, said, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["bench", *asked])
    with pytest.raises(SystemExit) as ended:
        bench.main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_shapes_are_those_of_the_features(planned):
    chunked = ("data.chunks.max_seconds=11",)
    assert shape_of(planned("model=deep_emocluster", *chunked)) == (11, 62, 128)
    assert shape_of(planned("model=began", *chunked)) == (11, 32, 512)


@pytest.mark.slow
def test_a_process_is_measured_from_its_command_to_its_end():
    small = "model=deep_emocluster features.num_mels=40 data.chunks.window_seconds=0.2 batch_size=8 num_clusters=3"
    row, *others = process_costs([small], labeled=9, unlabeled=6)
    assert all(one["precision"] == "bf16" for one in others)  # where this processor has it
    assert (row["precision"], row["L, U"]) == ("fp32", "9, 6")
    assert row["seconds"] > row["of them passes"] > 0
    assert 0.2 < row["peak GB"] < 8  # PyTorch alone is .3


def test_a_process_that_fails_says_why():
    with pytest.raises(DataError, match=r"experiments\.prepare failed: error: batch_size"):
        list(process_costs(["model=deep_emocluster batch_size=0"], labeled=9, unlabeled=6))


def test_work_of_its_own_process_tells_of_its_own_memory():
    found = apart(len, bytes(400_000_000))
    assert found.found == 400_000_000
    assert 0.4 < found.own_gb <= found.peak_gb
    with pytest.raises(TypeError):
        apart(len, 3)


SMALL = "features.num_mels=16 data.chunks.window_seconds=0.2 batch_size=8 num_clusters=3"


def test_a_pass_in_the_trainer_is_compared_with_its_own_batches():
    inside, bare = trainer_costs([f"model=deep_emocluster {SMALL}"], sentences=24, repeats=2)
    assert ("in the Trainer" in str(inside["what"]), "bare" in str(bare["what"])) == (True, True)
    assert bare["times bare"] == 1
    assert inside["ms a step"] > 0.5 * bare["ms a step"] > 0  # it does more; a busy machine may time it otherwise


def test_features_are_compared_with_librosa(monkeypatch):
    monkeypatch.setattr(extraction_cost, "RECORDINGS", 3)
    monkeypatch.setattr(extraction_cost, "SECONDS", (0.5, 0.6))
    rows = {str(row["what"]): row for row in extraction_costs(sentences=6, repeats=1)}
    ways = ("prepared", "librosa", "decoding alone")
    assert set(rows) >= {f"{suffix}: {way}" for suffix in ("wav", "flac") for way in ways}
    assert rows["wav: librosa"]["librosa takes so many times"] == 1
    assert rows["wav: 6 files by 1 processes"]["ms a file"] > 0


def test_attention_is_compared_by_its_blocks(monkeypatch):
    monkeypatch.setattr(attention_cost, "WINDOWS", {8: 1})
    four, seven = attention_costs(repeats=1)
    assert (four["what"], seven["what"]) == ("kv_pool 8, 4 blocks", "kv_pool 8, 7 blocks")
    assert seven["times 4 blocks"] > four["times 4 blocks"] == 1


@pytest.mark.slow
def test_the_released_step_is_compared_with_ours(monkeypatch):
    monkeypatch.setattr(released_cost, "WAYS", {"as released": (True, False), "ours, fp32": (False, False)})
    released, ours = released_costs("model=cnn_regressor", repeats=1)
    assert released["times as fast as released"] == 1
    assert ours["peak GB"] < released["peak GB"]


@pytest.mark.slow
def test_larger_corpora_are_measured_apart():
    rows = list(scale_costs([300]))
    assert len({row["what"] for row in rows}) == 4
    assert all(row["sentences"] == 300 and 0 < row["own memory, GB"] <= row["with mapped files, GB"] for row in rows)
