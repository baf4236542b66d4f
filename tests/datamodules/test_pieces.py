"""Spectrograms of pieces, and sentences that have different numbers of chunks."""

import librosa
import numpy as np
import pytest
import torch

from datamodules.batch import ChunkIndex
from datamodules.chunking import NO_CHUNK, ChunkSettings
from datamodules.datamodule import ChunkDataModule
from datamodules.errors import DataError
from datamodules.features import FeatureSettings, PieceSettings, make_extractor
from datamodules.front_end import FrontEnd
from datamodules.pseudo_label_store import PseudoLabelStore
from datamodules.samplers import Natural, NaturalSentence
from datamodules.sentence_set import SentenceSet

SECOND = 16000


def speech(samples, seed=0):
    rng = np.random.default_rng(seed)
    time = np.arange(samples) / SECOND
    return (np.sin(2 * np.pi * 220 * time) * np.exp(-time) + 0.01 * rng.normal(size=samples)).astype(np.float32)


def by_librosa(piece, reference=np.max):
    """The paper's spectrogram of one piece, with librosa alone."""
    spectrum = np.abs(librosa.stft(piece, n_fft=1024, win_length=512, hop_length=512, pad_mode="reflect"))
    levels = librosa.amplitude_to_db(spectrum, ref=reference, amin=1e-5, top_db=None)
    return 1 + np.clip(levels, -80, 0)[:512].T / 40


@pytest.mark.parametrize("reference", ["piece", "global"])
def test_pieces_are_those_of_librosa(reference):
    samples = speech(3 * SECOND)
    got = make_extractor(PieceSettings(reference=reference))(samples).numpy()
    assert got.shape == (3 * 32, 512)
    peak = np.abs(samples).max()
    for number in range(3):
        piece = (samples / peak)[number * SECOND : (number + 1) * SECOND].astype(np.float64)
        expected = by_librosa(piece, np.max if reference == "piece" else 128.0)  # a Hann window of 512 sums to 256
        # librosa goes by float64 too; what is left is where -80 dB is cut off.
        np.testing.assert_allclose(got[32 * number : 32 * (number + 1)], expected, atol=1e-5)


def test_a_piece_says_nothing_of_its_level_unless_it_is_asked_to():
    loud, quiet = speech(SECOND), 0.1 * speech(SECOND)
    both = np.concatenate([loud, quiet])
    of_piece, of_all = (make_extractor(PieceSettings(reference=one))(both) for one in ("piece", "global"))
    assert torch.allclose(of_piece[:32], of_piece[32:], atol=1e-4)
    assert float((of_all[:32] - of_all[32:]).max()) == pytest.approx(0.5, abs=1e-3)  # 20 dB of 40 a unit


def test_silence_is_as_quiet_as_can_be():
    assert (make_extractor(PieceSettings())(np.zeros(SECOND, np.float32)) == -1).all()


@pytest.mark.parametrize(
    ("seconds", "pieces"), [(0.25, 1), (0.9, 1), (1.0, 1), (1.2, 1), (1.25, 2), (2.0, 2), (2.24, 2), (2.25, 3)]
)
def test_a_last_piece_is_filled_up_or_dropped(seconds, pieces):
    samples = speech(round(seconds * SECOND))
    frames = make_extractor(PieceSettings(peak_normalize=False))(samples)
    assert frames.shape == (32 * pieces, 512)
    filled = np.zeros(pieces * SECOND, np.float32)
    filled[: len(samples)] = samples[: len(filled)]
    assert torch.equal(frames, make_extractor(PieceSettings(peak_normalize=False))(filled))


def test_too_little_for_a_piece_is_refused():
    with pytest.raises(DataError, match="3999 samples are fewer than the 4000 of the shortest piece"):
        make_extractor(PieceSettings())(speech(3999))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"n_fft": 1023}, "features.n_fft=1023 does not work; set it to an even number"),
        ({"reference": "file"}, "features.reference=file does not work; set it to piece or global"),
        ({"shortest_seconds": 2.0}, "features.shortest_seconds=2.0 does not work; set it to above 0 and at most"),
        ({"floor_db": 0.0}, "features.floor_db=0.0 does not work; set it to dB below 0"),
        ({"piece_seconds": 0.01}, "features.piece_seconds=0.01 does not work"),
    ],
)
def test_options_that_mean_nothing_are_told(options, told):
    with pytest.raises(DataError, match=told):
        PieceSettings(**options)


FEW = PieceSettings(n_fft=8, window_length=8, hop_length=4, piece_seconds=12 / 16000, shortest_seconds=4 / 16000)


def sentences(counts):
    """Sentences of so many pieces of 4 frames and 4 bins, every value another."""
    lengths = torch.tensor(counts) * FEW.frames_a_piece
    frames = torch.arange(int(lengths.sum()) * 4).view(-1, 4).float()
    starts = ChunkSettings().starts(lengths, FEW)
    nothing = torch.full((len(counts), 1), torch.nan)
    return SentenceSet("L", None, frames, lengths.cumsum(0) - lengths, lengths, nothing, starts, FEW.frames_a_piece)


def test_a_sentences_pieces_are_its_chunks():
    one = sentences([2, 1, 3])
    assert one.num_chunks == 3
    assert one.places.tolist() == [[0, 1, -1], [0, -1, -1], [0, 1, 2]]
    assert torch.equal(one.gather(torch.tensor([2]), torch.tensor([[1]]))[0, 0], one.frames[16:20])


@pytest.mark.parametrize("case", range(20))
def test_every_piece_is_drawn_once(case):
    rng = np.random.default_rng(case)
    counts = rng.integers(1, 7, rng.integers(1, 21)).tolist()
    batch_size, pass_index = int(rng.integers(1, 10)), int(rng.integers(4))
    one = sentences(counts)
    sampler = Natural("L", len(one), one.num_chunks, PseudoLabelStore(), batch_size, 0, pass_index, one.places)
    batches = list(sampler)
    assert len(batches) == len(sampler) == -(-sum(counts) // batch_size)
    drawn = sorted((int(s), int(p)) for b in batches for s, p in zip(b.sentence_ids, b.positions[:, 0], strict=True))
    assert drawn == [(sentence, place) for sentence, count in enumerate(counts) for place in range(count)]


def test_whole_sentences_come_with_the_places_that_they_have():
    one = sentences([2, 1, 3])
    (batch,) = NaturalSentence("L", 3, 3, PseudoLabelStore(), 8, 0, 0, one.places)
    assert torch.equal(batch.positions, one.places[batch.sentence_ids])


def test_what_is_not_there_is_nan_and_nothing_else_is():
    one = sentences([2, 1, 3])
    front_end = FrontEnd(FEW, ChunkSettings(), torch.zeros(4), torch.ones(4))
    data = ChunkDataModule({"development": one}, front_end, (), Natural, 2, 0)
    batches = list(data.in_order("development", torch.device("cpu")))
    chunks = torch.cat([batch.chunks for batch in batches])
    assert torch.equal(chunks.isnan().all((2, 3)), one.places == NO_CHUNK)
    assert torch.equal(chunks.isnan().any((2, 3)), one.places == NO_CHUNK)
    index = ChunkIndex("development", torch.tensor([1]), torch.tensor([[0]]))
    assert torch.equal(data.gather(index, torch.device("cpu")).chunks[0, 0], one.frames[8:12])


def test_a_front_end_of_pieces_travels_and_cuts_recordings_as_the_store_does():
    front_end = FrontEnd(PieceSettings(), ChunkSettings(), torch.zeros(512), torch.ones(512))
    again = FrontEnd.from_dict(front_end.to_dict())
    assert (again.features, again.chunks) == (front_end.features, front_end.chunks)
    samples = speech(5 * SECOND // 2)
    chunks = again.chunks_of(samples)
    assert chunks.shape == (3, 32, 512)
    assert torch.equal(chunks.flatten(0, 1), make_extractor(PieceSettings())(samples))


def test_mel_frames_are_laid_out_as_ever():
    lengths = torch.tensor([100, 30])
    starts = ChunkSettings(max_seconds=3.0).starts(lengths, FeatureSettings())
    assert starts.tolist() == [[0, 19, 38], [0, 0, 0]]
