"""The store: what goes in comes out, whatever happens to the process that writes."""

import json
import logging
import os
import resource
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

from datamodules import feature_store
from datamodules.errors import DataError
from datamodules.feature_store import FeatureStore, Source, StoreWriter
from datamodules.features import FeatureSettings
from datamodules.sentence_set import SentenceSet
from datamodules.statistics import frame_statistics

F = 8
SETTINGS = FeatureSettings(num_mels=F)


def frames_of(number: int) -> np.ndarray:
    rng = np.random.default_rng(number)
    return rng.normal(size=(int(rng.integers(1, 50)), F)).astype(np.float16)


def source(number: int, size: int = 100) -> Source:
    return Source(f"u{number}", size, 1_700_000_000_123_456_789 + number, 0, -1)


def write(folder: Path, numbers: range) -> None:
    with StoreWriter(folder, SETTINGS) as writer:
        for n in numbers:
            writer.add(source(n), frames_of(n), n / 10, ("stereo",) if n % 2 else ())


def content(folder: Path) -> tuple[bytes, bytes]:
    return (folder / "frames.f16").read_bytes(), (folder / "index.jsonl").read_bytes()


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    write(tmp_path, range(100))
    store = FeatureStore.open(tmp_path)
    names = ["u7", "u99", "u0", "u7"]
    offsets, lengths = store.locate(names)
    for name, offset, length in zip(names, offsets.tolist(), lengths.tolist(), strict=True):
        frames = store.frames[offset : offset + length]
        assert frames.dtype == torch.float16
        np.testing.assert_array_equal(frames.numpy(), frames_of(int(name[1:])))
    entry = store.entries.loc["u7"]
    assert entry["mtime_ns"] == 1_700_000_000_123_456_796  # all 19 digits
    assert (entry["seconds"], entry["notes"], entry["size"]) == (0.7, "stereo", 100)
    assert store.settings == SETTINGS.stored()


def test_an_empty_store(tmp_path: Path) -> None:
    write(tmp_path, range(0))
    store = FeatureStore.open(tmp_path)
    assert store.frames.shape == (0, F)
    assert [len(part) for part in store.locate([])] == [0, 0]


def test_names_are_any_text(tmp_path: Path) -> None:
    names = ["0001", "2020-01-01", 'a "b"\\c', "ünï/cödé.wav#3", "null", "line\nbreak"]
    with StoreWriter(tmp_path, SETTINGS) as writer:
        for n, name in enumerate(names):
            writer.add(Source(name, 1, 1, 0, -1), frames_of(n), 1.0)
    assert list(FeatureStore.open(tmp_path).entries.index) == names


def test_the_last_entry_of_an_utterance_holds(tmp_path: Path) -> None:
    write(tmp_path, range(5))
    with StoreWriter(tmp_path, SETTINGS) as writer:
        writer.add(source(2, size=999), frames_of(77), 1.0)
    store = FeatureStore.open(tmp_path)
    (offset,), (length,) = (part.tolist() for part in store.locate(["u2"]))
    np.testing.assert_array_equal(store.frames[offset : offset + length].numpy(), frames_of(77))
    assert store.entries.loc["u2", "size"] == 999
    assert len(store.entries) == 5


def test_frames_are_mapped_not_loaded(tmp_path: Path) -> None:
    """Shared and read-only: a private writable map is refused when it is larger than the memory."""
    write(tmp_path, range(20))
    frames = FeatureStore.open(tmp_path).frames
    assert frames.shape[0] > 100
    maps = [line for line in Path("/proc/self/maps").read_text().splitlines() if str(tmp_path) in line]
    assert maps
    assert all(line.split()[1] == "r--s" for line in maps)


@pytest.mark.faults
@pytest.mark.parametrize("torn", [b"", b"{", b'{"utterance_id": "u30", "size": 1', b"\0" * 700])
def test_what_a_killed_writer_left_is_cut_off(tmp_path: Path, torn: bytes) -> None:
    write(tmp_path / "whole", range(60))
    write(tmp_path / "torn", range(30))
    with (
        (tmp_path / "torn" / "index.jsonl").open("ab") as index,
        (tmp_path / "torn" / "frames.f16").open("ab") as frames,
    ):
        index.write(torn)
        frames.write(b"\x01" * 777)
    assert len(FeatureStore.open(tmp_path / "torn").entries) == 30  # a reader is not troubled either
    write(tmp_path / "torn", range(30, 60))
    assert content(tmp_path / "torn") == content(tmp_path / "whole")


@pytest.mark.faults
def test_groups_reach_the_disk_frames_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datamodules.feature_store.GROUP_SECONDS", 1e9)
    with StoreWriter(tmp_path, SETTINGS) as writer:
        for n in range(63):
            writer.add(source(n), frames_of(n), 1.0)
        assert not len(FeatureStore.open(tmp_path).entries)
        writer.add(source(63), frames_of(63), 1.0)
        assert len(FeatureStore.open(tmp_path).entries) == 64
        writer.add(source(64), frames_of(64), 1.0)
    assert len(FeatureStore.open(tmp_path).entries) == 65


@pytest.mark.faults
def test_an_error_in_the_middle_keeps_what_was_added(tmp_path: Path) -> None:
    def interrupted() -> None:
        with StoreWriter(tmp_path, SETTINGS) as writer:
            writer.add(source(0), frames_of(0), 1.0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(FeatureStore.open(tmp_path).entries.index) == ["u0"]


@pytest.mark.faults
def test_a_full_disk_is_said_and_loses_nothing(tmp_path: Path) -> None:
    write(tmp_path / "whole", range(200))
    write(tmp_path / "full", range(100))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The kernel refuses writes beyond this size of a file, with an error like that of a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "full" / "frames.f16").stat().st_size + 5000, hard))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            write(tmp_path / "full", range(100, 200))
        assert caught.value.filename == str(tmp_path / "full")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    kept = len(FeatureStore.open(tmp_path / "full").entries)
    assert 100 <= kept < 200
    write(tmp_path / "full", range(kept, 200))
    assert content(tmp_path / "full") == content(tmp_path / "whole")


@pytest.mark.faults
@pytest.mark.parametrize(
    ("damage", "missing"),
    [
        (lambda folder: (folder / "frames.f16").write_bytes(b""), {0, 1, 2, 3, 4}),
        (lambda folder: (folder / "frames.f16").unlink(), {0, 1, 2, 3, 4}),
        (lambda folder: truncate(folder / "frames.f16"), {4}),
        (lambda folder: prepend(folder / "index.jsonl", b"rubbish\n"), set()),
        (lambda folder: prepend(folder / "index.jsonl", b'{"size": "x"}\n'), set()),
        (lambda folder: spoil(folder / "index.jsonl", b'"utterance_id": "u0', b'"utterance_id": "\xff0'), {0}),
        (lambda folder: spoil(folder / "index.jsonl", b'"offset": 0', b'"offset": 1'), {0}),
        (lambda folder: spoil(folder / "index.jsonl", b'"size": 100', b'"size": 101'), {0}),
    ],
)
def test_what_is_damaged_is_missing_and_made_again(
    tmp_path: Path, damage, missing: set[int], caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, range(5))
    damage(tmp_path)
    found = FeatureStore.open(tmp_path)
    assert set(found.entries.index) == {f"u{n}" for n in set(range(5)) - missing}
    assert "missing" in caplog.text
    write(tmp_path, range(0))  # a writer drops the lines that cannot be read
    for n in sorted(missing):
        write(tmp_path, range(n, n + 1))
    caplog.clear()
    store = FeatureStore.open(tmp_path)
    assert not caplog.text
    for n in range(5):
        ((offset,), (length,)) = (places.tolist() for places in store.locate([f"u{n}"]))
        np.testing.assert_array_equal(store.frames[offset : offset + length].numpy(), frames_of(n))
    assert store.damaged() == []


def spoil(path: Path, old: bytes, new: bytes) -> None:
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new, 1))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def prepend(path: Path, content: bytes) -> None:
    path.write_bytes(content + path.read_bytes())


@pytest.mark.faults
@pytest.mark.parametrize("content", ["rubbish", "", "[" * 10**5, '{"format": 3, "features": [1]}', "null"])
def test_settings_that_cannot_be_read(tmp_path: Path, content: str) -> None:
    write(tmp_path, range(5))
    (tmp_path / "settings.json").write_text(content)
    for open_it in (lambda: FeatureStore.open(tmp_path), lambda: write(tmp_path, range(5, 6))):
        with pytest.raises(DataError, match=r"settings.json: cannot be read; remove this folder"):
            open_it()


@pytest.mark.faults
@pytest.mark.parametrize(
    "line",
    [
        {"offset": -1},
        {"frames": -4},
        {"offset": None},
        {"seconds": None},
        {"size": -1},
        {"frames": 10**15},
        {"notes": None},
    ],
)
def test_lines_that_make_no_sense_are_left_out(tmp_path: Path, line: dict) -> None:
    """Their checksums are right: somebody else's program wrote them."""
    write(tmp_path, range(3))
    index = tmp_path / "index.jsonl"
    *_, last = index.read_bytes().splitlines()
    entry = json.loads(last) | line
    del entry["line_sum"]
    index.write_bytes(index.read_bytes().replace(last + b"\n", feature_store._line(entry)))
    assert list(FeatureStore.open(tmp_path).entries.index) == ["u0", "u1"]


@pytest.mark.faults
@pytest.mark.parametrize("residency", ["disk", "memory"])
def test_a_flipped_bit_is_found_when_it_is_first_read(tmp_path: Path, residency: str) -> None:
    write(tmp_path, range(5))
    store = FeatureStore.open(tmp_path)
    offsets, lengths = store.locate(["u3", "u1"])
    at = 2 * F * (int(offsets[1]) + int(lengths[1]) - 1)
    content = bytearray((tmp_path / "frames.f16").read_bytes())
    content[at] ^= 1
    (tmp_path / "frames.f16").write_bytes(content)
    assert store.damaged() == ["u1"]
    one = SentenceSet(
        "L",
        pd.DataFrame({"utterance_id": ["u3", "u1"]}),
        store.frames,
        offsets,
        lengths,
        torch.zeros(2, 1),
        torch.zeros(2, 1, dtype=torch.long),
        1,
        store.sums(["u3", "u1"]),
    )
    one.gather(torch.tensor([0, 0]), torch.zeros(2, 1, dtype=torch.long))
    read = {
        "disk": lambda: one.gather(torch.tensor([0, 1]), torch.zeros(2, 1, dtype=torch.long)),
        "memory": lambda: one.resident(torch.device("cpu")),
    }
    with pytest.raises(DataError, match=r"the features of u1 are not what was written.*prepare --verify"):
        read[residency]()
    with pytest.raises(DataError, match="u1"):
        one.part("part", torch.tensor([1])).resident(torch.device("cpu"))
    with pytest.raises(DataError, match="u1"):
        frame_statistics(store, ["u3", "u1"])
    with StoreWriter(tmp_path, SETTINGS) as writer:
        writer.forget(["u1"])
    assert list(FeatureStore.open(tmp_path).entries.index) == ["u0", "u2", "u3", "u4"]
    write(tmp_path, range(1, 2))
    assert FeatureStore.open(tmp_path).damaged() == []


@pytest.mark.faults
def test_lack_of_memory_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise pa.ArrowMemoryError("malloc of size 64 failed")

    write(tmp_path, range(5))
    monkeypatch.setattr(feature_store.pyarrow.json, "read_json", refuse)
    with pytest.raises(MemoryError):
        FeatureStore.open(tmp_path)


def test_a_store_of_other_features_is_not_added_to(tmp_path: Path) -> None:
    write(tmp_path, range(3))
    for _ in range(2):  # the second would wait for ever, had the first kept the lock
        with pytest.raises(DataError, match=r"settings.json: describes other features"):
            StoreWriter(tmp_path, FeatureSettings(num_mels=F, log=True)).__enter__()


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no feature store.*experiments\.prepare"):
        FeatureStore.open(tmp_path)
    write(tmp_path, range(3))
    with pytest.raises(DataError, match=r"no features of 2 utterances \(x is the first\)"):
        FeatureStore.open(tmp_path).locate(["u0", "x", "y"])


def test_a_second_writer_waits_and_says_for_whom(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    second = threading.Thread(target=write, args=(tmp_path, range(1, 2)))
    with StoreWriter(tmp_path, SETTINGS) as writer:
        second.start()
        deadline = time.monotonic() + 10
        while "waiting" not in caplog.text and time.monotonic() < deadline:
            time.sleep(0.01)
        assert "is held by process" in caplog.text
        writer.add(source(0), frames_of(0), 1.0)
    second.join(10)
    assert list(FeatureStore.open(tmp_path).entries.index) == ["u0", "u1"]


def test_a_reader_is_not_disturbed_by_a_writer(tmp_path: Path) -> None:
    write(tmp_path, range(3))
    store = FeatureStore.open(tmp_path)
    before = store.frames.clone()
    write(tmp_path, range(3, 300))
    assert torch.equal(store.frames, before)
    assert len(json.loads((tmp_path / "settings.json").read_text())["features"]) > 10


@pytest.mark.parametrize("name", ["frames.f16", "index.jsonl", "settings.json", "LOCK"])
def test_a_pipe_in_a_files_place_is_told_and_does_not_hang(tmp_path, name):
    with StoreWriter(tmp_path, FeatureSettings()):
        pass
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with (  # settings.json is no store's at all, and told by a plain reader
        pytest.raises(DataError, match=r"is a pipe or a device|cannot be read; remove this folder"),
        StoreWriter(tmp_path, FeatureSettings()),
    ):
        pass


@pytest.mark.faults
@pytest.mark.parametrize("name", ["frames.f16", "index.jsonl", "settings.json"])
def test_a_disk_that_does_not_answer_is_not_called_damage(tmp_path, name):
    """Of which the remedy would be to remove days of work."""
    with StoreWriter(tmp_path, FeatureSettings()):
        pass
    (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / name).symlink_to("/proc/self/mem")  # refused with EIO
    with pytest.raises(DataError, match=rf"{name}: cannot be read \(Input/output error\); give this user the right"):
        FeatureStore.open(tmp_path)


@pytest.mark.faults
@pytest.mark.parametrize("bins", [True, "128", 1.0, 0, None])
def test_settings_whose_bins_are_no_whole_number_are_refused(tmp_path, bins):
    write(tmp_path, range(2))
    settings = json.loads((tmp_path / "settings.json").read_text())
    settings["features"]["num_mels"] = bins
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    with pytest.raises(DataError, match=r"settings\.json: cannot be read; remove this folder"):
        FeatureStore.open(tmp_path)
