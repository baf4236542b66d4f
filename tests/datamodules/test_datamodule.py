from dataclasses import replace

import pytest
import torch
from tiny_training import CHUNKS, FRAMES, MELS, datamodule, front_end, sentence_set

from datamodules.batch import ChunkIndex
from datamodules.datamodule import ChunkDataModule
from datamodules.errors import DataError
from datamodules.samplers import ChunkUniform
from datamodules.seeds import derive_seed

CPU = torch.device("cpu")


def test_chunks_and_labels_belong_to_their_ids():
    data = datamodule("L")
    one = data.sets["L"]
    index = ChunkIndex("L", torch.tensor([5, 2, 5]), torch.tensor([[0], [2], [1]]))
    batch = data.gather(index, CPU)
    assert batch.chunks.shape == (3, 1, FRAMES, MELS)
    for row, (sentence, position) in enumerate([(5, 0), (2, 2), (5, 1)]):
        start = int(one.offsets[sentence]) + int(one.starts[sentence, position])
        assert torch.equal(batch.chunks[row, 0], one.frames[start : start + FRAMES].float())
        assert torch.equal(batch.labels[row], one.labels[sentence])
    assert (batch.pseudo_labels == -1).all()


def test_pseudo_labels_are_attached_by_id_and_position():
    data = datamodule("L")
    labels = torch.arange(24 * CHUNKS).view(24, CHUNKS)
    data.pseudo_labels.update("L", labels, 24 * CHUNKS, 0)
    index = ChunkIndex("L", torch.tensor([3, 0]), torch.arange(CHUNKS).expand(2, -1))
    assert torch.equal(data.gather(index, CPU).pseudo_labels, labels[[3, 0]])


def test_in_order_covers_a_set_once():
    data = datamodule("L")
    ids = torch.cat([batch.sentence_ids for batch in data.in_order("U", CPU)])
    assert ids.tolist() == list(range(20))


def test_frames_give_the_same_chunks_wherever_they_lie():
    data = datamodule("L")
    before = next(iter(data.in_order("L", CPU))).chunks
    for residency in ("memory", "device", "auto"):
        data.residency = residency
        data.place(CPU)
        assert torch.equal(next(iter(data.in_order("L", CPU))).chunks, before)


def test_residency_takes_only_the_sets_own_frames():
    whole = sentence_set("L", 10, 0)
    whole.frames = torch.cat([torch.zeros(100, MELS).half(), whole.frames])
    whole.offsets = whole.offsets + 100
    moved = whole.resident(CPU)
    assert len(moved.frames) == int(whole.lengths.sum())
    ids, positions = torch.arange(10), torch.arange(CHUNKS).expand(10, -1)
    assert torch.equal(moved.gather(ids, positions), whole.gather(ids, positions))


def test_state_travels_and_other_features_are_refused():
    data = datamodule("L")
    data.pseudo_labels.update("L", torch.zeros(24, CHUNKS, dtype=torch.long), 2, 7)
    state = data.state_dict()
    other = datamodule("L")
    other.load_state_dict(state)
    assert other.pseudo_labels.made_for_pass("L") == 7
    # Statistics that were summed elsewhere give way to the checkpoint's; other features or chunks do not.
    elsewhere = ChunkDataModule(
        data.sets, replace(front_end(), mean=torch.full((MELS,), 1e-7)), ("L",), ChunkUniform, 4, 0
    )
    elsewhere.load_state_dict(state)
    assert torch.equal(elsewhere.front_end.mean, front_end().mean)
    changed = replace(front_end(), features=replace(front_end().features, log=True))
    stranger = ChunkDataModule(data.sets, changed, ("L",), ChunkUniform, 4, 0)
    with pytest.raises(DataError, match=r"other features or chunks .*overwrite=true"):
        stranger.load_state_dict(state)


def test_seeds_depend_on_every_key():
    seeds = {derive_seed(*keys) for keys in [(0, "a", 1), (0, "a", 2), (1, "a", 1), (0, "b", 1), (0, "a", "1")]}
    assert len(seeds) == 5
    assert derive_seed(0, "a", 1) == derive_seed(0, "a", 1)
    assert all(0 <= seed < 2**63 for seed in seeds)
