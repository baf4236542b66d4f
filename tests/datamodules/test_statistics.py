"""Mean and deviation against NumPy over all frames at once."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from datamodules import statistics
from datamodules.errors import DataError
from datamodules.feature_store import FeatureStore, Source, StoreWriter
from datamodules.features import FeatureSettings
from datamodules.statistics import frame_statistics

F = 4


def store_of(folder: Path, utterances: dict[str, np.ndarray]) -> FeatureStore:
    with StoreWriter(folder, FeatureSettings(num_mels=F)) as writer:
        for name, frames in utterances.items():
            writer.add(Source(name, 1, 1, 0, -1), frames, 1.0)
    return FeatureStore.open(folder)


def logarithms(rng: np.random.Generator, count: int) -> np.ndarray:
    """A large mean beside a small deviation, where sums of squares cancel."""
    return rng.normal([-20, 3, 0, 100], [0.2, 1e-2, 1e-3, 0.5], (count, F)).astype(np.float16)


@pytest.fixture
def utterances() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {f"u{n}": logarithms(rng, int(rng.integers(1, 900))) for n in range(60)}


@pytest.mark.parametrize("block", [1, 500, 16384])
def test_statistics_are_those_of_all_frames_at_once(
    tmp_path: Path, utterances: dict[str, np.ndarray], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "BLOCK_FRAMES", block)
    train = [name for name in utterances if name not in ("u3", "u40")]
    found = frame_statistics(store_of(tmp_path, utterances), train)
    frames = np.concatenate([utterances[name] for name in train]).astype(np.float64)
    np.testing.assert_allclose(found.mean, frames.mean(axis=0), rtol=1e-7)
    np.testing.assert_allclose(found.std, frames.std(axis=0, ddof=0), rtol=1e-7)
    assert found.mean.dtype == found.std.dtype == torch.float32


def test_they_do_not_depend_on_where_utterances_lie(tmp_path: Path, utterances: dict[str, np.ndarray]) -> None:
    names = list(utterances)
    forward = frame_statistics(store_of(tmp_path / "a", utterances), names)
    backward = frame_statistics(store_of(tmp_path / "b", dict(reversed(utterances.items()))), names)
    assert torch.equal(forward.mean, backward.mean)
    assert torch.equal(forward.std, backward.std)


def test_a_bin_that_never_varies_keeps_its_scale(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).normal(0, 1, (50, F)).astype(np.float16)
    frames[:, 2] = np.log(1e-10)
    found = frame_statistics(store_of(tmp_path, {"u": frames}), ["u"])
    assert found.std[2] == 1
    assert (found.std[[0, 1, 3]] > 0.5).all()
    # The same bin straight from audio, not rounded to float16, stays near 0 as well.
    assert abs((np.log(1e-10) - found.mean[2]) / found.std[2]) < 0.01


def test_they_are_kept_for_the_same_entries_only(
    tmp_path: Path, utterances: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_of(tmp_path, utterances)
    first = frame_statistics(store, ["u1", "u2"])
    computed = []
    monkeypatch.setattr(statistics, "_moments", lambda blocks: computed.append(1) or (np.zeros(F), np.ones(F)))
    again = frame_statistics(FeatureStore.open(tmp_path), ["u1", "u2"])
    assert not computed
    assert torch.equal(first.mean, again.mean)
    assert torch.equal(first.std, again.std)
    frame_statistics(store, ["u1", "u3"])
    assert len(computed) == 1
    changed = store_of(tmp_path, {"u1": logarithms(np.random.default_rng(9), 7)})
    frame_statistics(changed, ["u1", "u2"])
    assert len(computed) == 2


def test_of_nothing(tmp_path: Path, utterances: dict[str, np.ndarray]) -> None:
    with pytest.raises(DataError, match="training set must not be empty"):
        frame_statistics(store_of(tmp_path, utterances), [])


@pytest.mark.faults
@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace('"mean": [', '"mean": [1', 1),
        lambda text: json.dumps({**json.loads(text), "of": "another"}),
        lambda text: text[:-5],
        lambda text: "",
        lambda text: "[" * 10**5,
        lambda text: "null",
    ],
)
def test_a_wrong_cache_is_computed_again_and_said(tmp_path, utterances, spoil, caplog) -> None:
    store = store_of(tmp_path, utterances)
    right = frame_statistics(store, list(utterances))
    (cache,) = tmp_path.glob("statistics-*.json")
    kept = cache.read_text()
    cache.write_text(spoil(kept))
    again = frame_statistics(store, list(utterances))
    assert torch.equal(again.mean, right.mean)
    assert torch.equal(again.std, right.std)
    assert "is damaged, or of other sentences" in caplog.text
    assert cache.read_text() == kept
