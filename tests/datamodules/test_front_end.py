"""From audio to a model's input, with and without the store in between."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from presets import feature_settings
from references.chunks import cut, starts_exact, starts_floor
from references.mel import mel_features
from references.noise_corpus import corpus_of, noise_corpus

from datamodules.audio import read_audio
from datamodules.chunking import ChunkSettings, chunk_starts, gather_chunks
from datamodules.features import FeatureSettings
from datamodules.fill_store import fill_store
from datamodules.front_end import FrontEnd
from datamodules.statistics import frame_statistics

CONF = Path(__file__).resolve().parents[2] / "conf" / "features"


def front_end(features: FeatureSettings | None = None, chunks: ChunkSettings | None = None) -> FrontEnd:
    rng = np.random.default_rng(0)
    return FrontEnd(
        features or FeatureSettings(),
        chunks or ChunkSettings(),
        torch.tensor(rng.uniform(0, 2, 128), dtype=torch.float32),
        torch.tensor(rng.uniform(0.1, 3, 128), dtype=torch.float32),
    )


@pytest.mark.parametrize("seconds", [0.2, 0.5, 3.3, 12.0])
@pytest.mark.parametrize(("rounding", "starts"), [("floor", starts_floor), ("exact", starts_exact)])
def test_chunks_follow_the_equations(seconds: float, rounding: str, starts) -> None:
    samples = np.random.default_rng(1).normal(0, 0.1, round(seconds * 16000)).astype(np.float32)
    front = front_end(chunks=ChunkSettings(rounding=rounding))
    raw = mel_features(samples)
    normal = np.clip((raw - front.mean.numpy()) / front.std.numpy(), -3, 3)
    expected = np.stack([cut(normal, start, 62) for start in starts(len(raw), 62, 11)])
    chunks = front.chunks_of(samples)
    assert chunks.dtype == torch.float32
    np.testing.assert_allclose(chunks, expected, atol=2e-5)


@pytest.mark.parametrize(
    ("preset", "tolerance"),
    # Half a unit in float16's eleventh digit is 4.9e-4 of a value. Normalised power is at most 3, so off by
    # about (3 + mean/std) * 4.9e-4. Logarithms reach 23 and a std is about 2.
    [("deepemocluster", 4e-3), ("acg", 1e-2)],
)
def test_direct_equals_through_the_store_but_for_float16(
    real_data: Path, tmp_path: Path, preset: str, tolerance: float
) -> None:
    settings = feature_settings(preset)
    root = real_data / "emodb" / "wav"
    names = [path.name for path in sorted(root.glob("*.wav"))[::25]]
    _, store = fill_store(corpus_of(root, names), settings, tmp_path, 0.0, progress=False)
    front = FrontEnd.of_training_set(store, pd.DataFrame({"utterance_id": names}), settings, ChunkSettings())
    offsets, lengths = store.locate(names)
    starts = chunk_starts(lengths, 62, 11)
    ids, every = torch.arange(len(names)), torch.arange(11).expand(len(names), -1)
    stored = front.normalize(gather_chunks(store.frames, offsets, lengths, starts, ids, every, 62))
    for name, through_store in zip(names, stored, strict=True):
        torch.testing.assert_close(
            front.chunks_of(read_audio(root / name).samples), through_store, atol=tolerance, rtol=0
        )
    assert stored.std() > 0.3  # the comparison is not one of zeros


def test_normalisation_is_clipped_and_has_no_nan() -> None:
    front = FrontEnd(
        FeatureSettings(num_mels=3),
        ChunkSettings(),
        torch.tensor([1.0, 2.0, 0.0]),
        torch.tensor([2.0, 1.0, 0.0]),
    )
    raw = torch.tensor([[3.0, 9.0, 0.0], [-99.0, 2.0, 5.0]])
    kept = raw.clone()
    assert front.normalize(raw).tolist() == [[1.0, 3.0, 0.0], [-3.0, 0.0, 3.0]]
    assert torch.equal(raw, kept)
    unclipped = FrontEnd(FeatureSettings(num_mels=3, clip=None), front.chunks, front.mean, front.std)
    assert unclipped.normalize(raw)[:, :2].tolist() == [[1.0, 7.0], [-50.0, 0.0]]


def test_it_travels_as_plain_data() -> None:
    front = front_end(FeatureSettings(clip=None, power=1), ChunkSettings(2.0, 8.0, "exact"))
    file = io.BytesIO()
    torch.save(front.to_dict(), file)
    file.seek(0)
    back = FrontEnd.from_dict(torch.load(file, weights_only=True))
    assert back.to_dict() == front.to_dict()
    assert back.features == front.features
    assert back.chunks == front.chunks
    assert torch.equal(back.mean, front.mean)
    assert torch.equal(back.std, front.std)
    samples = torch.randn(20000)
    assert torch.equal(back.chunks_of(samples), front.chunks_of(samples))


def test_only_what_it_wrote_is_read_back() -> None:
    written = front_end().to_dict()
    assert set(written) == {"features", "chunks", "mean", "std"}
    with pytest.raises(TypeError, match="label_mean"):
        FrontEnd.from_dict(written | {"label_mean": {}})
    del written["std"]
    with pytest.raises(KeyError, match="std"):
        FrontEnd.from_dict(written)


def test_the_statistics_are_those_of_the_training_set_alone(tmp_path: Path) -> None:
    settings, chunks = FeatureSettings(), ChunkSettings()
    corpus, store = fill_store(noise_corpus(tmp_path / "audio", 6), settings, tmp_path, 0.0, progress=False)
    train = corpus.table.iloc[:4]
    front = FrontEnd.of_training_set(store, train, settings, chunks)
    expected = frame_statistics(store, train["utterance_id"])
    assert (front.features, front.chunks) == (settings, chunks)
    assert torch.equal(front.mean, expected.mean)
    assert torch.equal(front.std, expected.std)
    assert not torch.equal(front.mean, FrontEnd.of_training_set(store, corpus.table, settings, chunks).mean)
