"""Whatever a feature store's files hold, what is opened is whole, or it is refused in one sentence."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from fuzz.forms import fuzz, result_or_sentence, short_and_long
from fuzz.mutations import changed, damaged, documents
from hypothesis import strategies as st
from references.noise_corpus import noise_corpus

from datamodules.feature_store import FeatureStore, _line
from datamodules.features import FeatureSettings
from datamodules.fill_store import fill_store
from datamodules.statistics import _sum, frame_statistics

pytestmark = pytest.mark.faults


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    settings = FeatureSettings(num_mels=8)
    return fill_store(noise_corpus(tmp_path / "audio", 3), settings, tmp_path / "stores", 0.0, progress=False)[1]


def require_whole_frames(folder: Path) -> None:
    """What is taken is what was written: damaged frames are known by their sums."""

    def read() -> None:
        store = FeatureStore.open(folder)
        for name in set(store.entries.index) - set(store.damaged()):
            (offset,), (length,) = (part.tolist() for part in store.locate([name]))
            assert 0 <= offset < offset + length <= len(store.frames)

    result_or_sentence(read)


def with_sums(tree: Any) -> bytes:
    """Lines as another program might write them, whose checksums are right."""
    return b"".join(_line(one) if isinstance(one, dict) else json.dumps(one).encode() + b"\n" for one in tree)


@short_and_long
def test_an_index(cases: int, store: FeatureStore) -> None:
    path = store.folder / "index.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    good = [{key: value for key, value in line.items() if key != "line_sum"} for line in lines]

    def check(content: bytes) -> None:
        path.write_bytes(content)
        require_whole_frames(store.folder)

    fuzz(cases, st.one_of(changed(good).map(as_lines), damaged(path.read_bytes())), check)


def as_lines(tree: Any) -> bytes:
    try:
        return with_sums(tree if isinstance(tree, list) else [tree])
    except (UnicodeEncodeError, ValueError):  # what JSON cannot hold at all
        return b"[]\n"


@short_and_long
def test_settings(cases: int, store: FeatureStore) -> None:
    path = store.folder / "settings.json"

    def check(content: bytes) -> None:
        path.write_bytes(content)
        require_whole_frames(store.folder)

    fuzz(cases, documents(json.loads(path.read_text())), check)


@short_and_long
def test_statistics(cases: int, store: FeatureStore) -> None:
    names = list(store.entries.index)
    right = frame_statistics(store, names)
    (path,) = store.folder.glob("statistics-*.json")
    good = json.loads(path.read_text())
    del good["sum"]

    def summed(tree: Any) -> bytes:
        return json.dumps({**tree, "sum": _sum(tree)} if isinstance(tree, dict) else tree).encode()

    def check(content: bytes) -> None:
        path.write_bytes(content)
        found = result_or_sentence(lambda: frame_statistics(store, names))
        if found is not None:
            assert found.mean.shape == found.std.shape == right.mean.shape
            assert torch.isfinite(found.mean).all()
            assert (found.std > 0).all()

    huge, none = summed({**good, "mean": 10**400}), summed({**good, "mean": [math.nan] * 8})
    fuzz(cases, st.one_of(changed(good).map(summed), documents(good)), check, huge, none)
