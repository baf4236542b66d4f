"""Chunk starts against the released program's and the equations; gathering against one chunk at a time."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from references.chunks import cut, starts_exact, starts_floor

from datamodules.chunking import ChunkSettings, chunk_starts, gather_chunks
from datamodules.errors import DataError
from datamodules.features import FeatureSettings


def test_starts_are_those_of_the_released_program(real_data: Path) -> None:
    golden = json.loads((real_data / "golden" / "golden_vectors.json").read_text())["chunk_starts_as_released"]
    assert len(golden) > 10
    starts = chunk_starts(torch.tensor([case["frames"] for case in golden]), 62, 11, "floor")
    assert starts.tolist() == [case["starts"] for case in golden]


@pytest.mark.parametrize(("rounding", "reference"), [("floor", starts_floor), ("exact", starts_exact)])
@pytest.mark.parametrize(("window", "count"), [(62, 11), (62, 1), (31, 4), (7, 2)])
def test_starts_follow_the_equation(rounding: str, reference, window: int, count: int) -> None:
    lengths = torch.arange(1, 1500)
    starts = chunk_starts(lengths, window, count, rounding)
    assert starts.dtype == torch.int64
    assert starts.tolist() == [reference(n, window, count) for n in lengths.tolist()]


def test_exact_ends_with_the_sentence() -> None:
    lengths = torch.arange(62, 1500)
    assert (chunk_starts(lengths, 62, 11, "exact")[:, -1] + 62 == lengths).all()
    left = lengths - (chunk_starts(lengths, 62, 11, "floor")[:, -1] + 62)
    assert left.min() == 0
    assert left.max() == 9


@pytest.mark.parametrize("rounding", ["floor", "exact"])
def test_gathering_equals_cutting_one_by_one(tmp_path: Path, rounding: str) -> None:
    rng = np.random.default_rng(0)
    lengths = [5, 20, 21, 22, 61, 300, 1]  # shorter than one chunk, about it, longer
    stored = rng.normal(size=(sum(lengths) + 10, 4)).astype(np.float16)
    offsets = np.cumsum([10, *lengths[:-1]])  # other utterances' frames lie before
    stored.tofile(tmp_path / "frames")
    mapped = torch.from_file(str(tmp_path / "frames"), size=stored.size, dtype=torch.float16).view(-1, 4)
    starts = chunk_starts(torch.tensor(lengths), 21, 5, rounding)
    ids = torch.tensor([6, 0, 5, 5, 3, 1, 4, 2])
    positions = torch.tensor([[0, 4], [1, 2], [4, 3], [0, 1], [2, 2], [4, 0], [3, 1], [1, 0]])
    chunks = gather_chunks(mapped, torch.tensor(offsets), torch.tensor(lengths), starts, ids, positions, 21)
    assert chunks.shape == (8, 2, 21, 4)
    assert chunks.dtype == torch.float32
    for b, s in enumerate(ids.tolist()):
        sentence = stored[offsets[s] : offsets[s] + lengths[s]]
        for c, k in enumerate(positions[b].tolist()):
            np.testing.assert_array_equal(chunks[b, c].numpy(), cut(sentence, int(starts[s, k]), 21))


@pytest.mark.parametrize(
    ("window", "longest", "chunks", "frames"),
    [
        (1.0, 11.0, 11, 62),
        (1, 11, 11, 62),
        (0.1, 1.1, 11, 6),
        (1.0, 0.5, 1, 62),
        (1.0, 1.0, 1, 62),
        (2.0, 11.0, 6, 125),
    ],
)
def test_settings_count_as_the_equation_says(window: float, longest: float, chunks: int, frames: int) -> None:
    settings = ChunkSettings(window, longest)
    assert settings.num_chunks == chunks
    assert settings.window_frames(FeatureSettings()) == frames


def test_unusual_lengths_are_counted() -> None:
    seconds = np.array([0.5, 0.99, 1.0, 5.0, 11.0, 11.1])
    assert ChunkSettings().length_notes(seconds) == {"shorter than 1 s": 2, "longer than 11 s": 1}
    assert ChunkSettings().length_notes(seconds[2:5]) == {}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"window_seconds": 0}, "data.chunks.window_seconds"),
        ({"max_seconds": -1.0}, "data.chunks.max_seconds"),
        ({"window_seconds": float("nan")}, "data.chunks.window_seconds"),
        ({"rounding": "up"}, "data.chunks.rounding"),
    ],
)
def test_senseless_settings_are_named(options: dict, named: str) -> None:
    with pytest.raises(DataError, match=named):
        ChunkSettings(**options)


def test_a_chunk_shorter_than_a_hop_is_refused() -> None:
    with pytest.raises(DataError, match="window_seconds"):
        ChunkSettings(window_seconds=0.01).window_frames(FeatureSettings())
