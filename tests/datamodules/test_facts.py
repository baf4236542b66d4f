"""Facts of chunks, against the chunks themselves."""

import pandas as pd
import torch

from datamodules import facts
from datamodules.chunking import chunk_starts
from datamodules.facts import apart, chunk_facts, chunk_levels
from datamodules.sentence_set import SentenceSet

FRAMES = 8


def sentences(lengths, chunks=4, **columns):
    lengths = torch.tensor(lengths)
    frames = torch.rand(int(lengths.sum()) + 5, 3, generator=torch.Generator().manual_seed(0)).half()
    table = pd.DataFrame({"utterance_id": [f"{n}.wav" for n in range(len(lengths))], **columns})
    # Five frames of another set come first.
    starts = chunk_starts(lengths, FRAMES, chunks)
    return SentenceSet("L", table, frames, lengths.cumsum(0) - lengths + 5, lengths, torch.empty(0), starts, FRAMES)


def test_levels_are_the_means_of_the_chunks(monkeypatch):
    monkeypatch.setattr(facts, "BLOCK", 30)  # several blocks
    one = sentences([8, 20, 33, 9, 16])
    ids, positions = torch.arange(5), torch.arange(4).expand(5, -1)
    expected = one.gather(ids, positions).double().mean((2, 3))
    # The sums' last bits; features of 16 bits are exact in both.
    assert torch.allclose(chunk_levels(one), expected, rtol=1e-12)


def test_a_sentence_shorter_than_a_chunk_has_the_level_of_its_frames():
    one = sentences([5, 20])
    assert torch.allclose(chunk_levels(one)[0], one.frames[5:10].double().mean().expand(4), rtol=1e-12)


def test_the_next_chunk_that_does_not_overlap():
    one = sentences([8, 20, 33, 120])
    for sentence, further in enumerate(apart(one).tolist()):
        starts = one.starts[sentence].tolist()
        free = [place for place in range(4) if starts[place] - starts[0] >= FRAMES]
        assert further == (free[0] if free else 4)
    assert apart(one).tolist() == [4, 2, 1, 1]


def test_what_is_not_known_is_not_told():
    one = sentences(
        [20, 30, 25, 40],
        speaker=["a", "Unknown", "b", "a"],
        recording=[""] * 4,
        arousal=[1.0, 3.0, 6.9, float("nan")],
    )
    known = chunk_facts(one)
    assert set(known) == {"speaker", "arousal", "duration", "loudness"}
    assert known["speaker"][:, 0].tolist() == [0, -1, 1, 0]
    assert known["arousal"][:, 2].tolist() == [0, 1, 2, -1]
    assert known["duration"][:, 0].tolist() == [0, 5, 2, 7]
    assert known["loudness"].shape == (4, 4)
    assert sorted(known["loudness"].flatten().bincount().tolist()) == [1, 1, 1, 1, 2, 2, 2, 2, 2, 2]
