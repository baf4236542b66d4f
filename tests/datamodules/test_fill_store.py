"""Preparing a corpus: resumable, parallel, and past bad files and dying processes."""

import logging
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from references.noise_corpus import corpus_of, noise_corpus

from datamodules import extract_files
from datamodules.chunking import ChunkSettings
from datamodules.corpus import Corpus, Problem
from datamodules.errors import DataError
from datamodules.feature_store import FeatureStore
from datamodules.features import FeatureSettings
from datamodules.fill_store import fill_store, store_folder
from datamodules.reading.audio_files import find_audio

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = FeatureSettings()

PREPARE = """
import sys
from pathlib import Path
from references.noise_corpus import corpus_of
from datamodules.features import FeatureSettings
from datamodules.fill_store import fill_store
if __name__ == "__main__":
    root = Path(sys.argv[1])
    names = sorted(path.name for path in root.glob("*.wav"))
    fill_store(corpus_of(root, names), FeatureSettings(), Path(sys.argv[2]), 0.0, workers=2, progress=False)
"""

SLOW_OPENING = """
import time
import soundfile
class SlowFile(soundfile.SoundFile):
    def __init__(self, *arguments, **options):
        time.sleep(0.02)
        super().__init__(*arguments, **options)
soundfile.SoundFile = SlowFile
"""

DEADLY_FILES = """
import os
import signal
import soundfile
class DeadlyFile(soundfile.SoundFile):
    def __init__(self, path, *arguments, **options):
        if os.path.basename(os.fsdecode(path)) in os.environ["DEADLY_FILES"].split():
            os.kill(os.getpid(), signal.SIGKILL)
        super().__init__(path, *arguments, **options)
soundfile.SoundFile = DeadlyFile
"""


def prepared(corpus: Corpus, stores: Path, **options) -> tuple[Corpus, FeatureStore]:
    return fill_store(corpus, SETTINGS, stores, **{"max_bad_files": 0.0, "progress": False, **options})


def frames_of(store: FeatureStore, name: str) -> np.ndarray:
    (offset,), (length,) = (part.tolist() for part in store.locate([name]))
    return store.frames[offset : offset + length].numpy()


def lines(store: FeatureStore) -> list[str]:
    return (store.folder / "index.jsonl").read_text().splitlines()


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(p): (p.stat().st_mtime_ns, p.stat().st_size) for p in [folder, *folder.rglob("*")]}


def injected(folder: Path, program: str) -> dict[str, str]:
    """An environment in which every Python process, workers too, runs `program` first."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(program)
    return {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT / 'tests'}{os.pathsep}{ROOT}"}


def test_everything_is_stored_in_the_tables_order(tmp_path: Path) -> None:
    corpus, store = prepared(noise_corpus(tmp_path / "audio", 12), tmp_path / "stores")
    assert len(corpus) == 12
    assert list(store.entries.index) == list(corpus.table["utterance_id"])
    assert (store.entries["frames"] == 1 + 1600 // 256).all()
    assert store.entries["seconds"].eq(0.1).all()
    assert len({frames_of(store, name).tobytes() for name in corpus.table["utterance_id"]}) == 12


def test_a_second_call_only_reads(tmp_path: Path) -> None:
    corpus = noise_corpus(tmp_path / "audio", 5)
    prepared(corpus, tmp_path / "stores")
    before = snapshot(tmp_path / "stores")
    again, store = prepared(corpus, tmp_path / "stores")
    assert snapshot(tmp_path / "stores") == before
    assert len(again) == len(store.entries) == 5


def test_only_a_file_that_changed_is_extracted_again(tmp_path: Path) -> None:
    corpus = noise_corpus(tmp_path / "audio", 5)
    _, first = prepared(corpus, tmp_path / "stores")
    soundfile.write(tmp_path / "audio" / "u0003.wav", np.random.default_rng(99).normal(0, 0.1, 1600), 16000)
    os.utime(tmp_path / "audio" / "u0003.wav", ns=(1, 1_600_000_000_000_000_001))  # the size is the same
    _, second = prepared(corpus, tmp_path / "stores")
    assert len(lines(second)) == 6
    assert '"utterance_id": "u0003.wav"' in lines(second)[-1]
    assert not np.array_equal(frames_of(first, "u0003.wav"), frames_of(second, "u0003.wav"))
    np.testing.assert_array_equal(frames_of(first, "u0004.wav"), frames_of(second, "u0004.wav"))


def test_a_growing_subset_adds_to_what_is_there(tmp_path: Path) -> None:
    pool = noise_corpus(tmp_path / "audio", 20, split="unlabeled")
    sizes = [5, 12, 3, 20]
    for size, stored in zip(sizes, [5, 12, 12, 20], strict=True):
        subset, store = prepared(replace(pool, table=pool.table.head(size)), tmp_path / "stores")
        assert len(subset) == size
        assert len(lines(store)) == stored
    assert len(list((tmp_path / "stores").iterdir())) == 1


def test_pieces_of_a_file_are_utterances_of_their_own(tmp_path: Path) -> None:
    corpus = noise_corpus(tmp_path / "audio", 1, seconds=1.0)
    table = pd.concat([corpus.table] * 2, ignore_index=True)
    table["utterance_id"] = ["u0000.wav#0", "u0000.wav#1"]
    table["start_sample"], table["stop_sample"] = [0, 6000], [6000, 16000]
    _, store = prepared(replace(corpus, table=table), tmp_path / "stores")
    assert store.entries["frames"].tolist() == [1 + 6000 // 256, 1 + 10000 // 256]


def test_the_folder_tells_places_and_features_apart(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "a", [])
    here = store_folder(corpus, SETTINGS, tmp_path)
    assert here.name.startswith("noise-")
    others = [
        store_folder(replace(corpus, root=tmp_path / "b"), SETTINGS, tmp_path),
        store_folder(corpus, FeatureSettings(log=True), tmp_path),
        store_folder(replace(corpus, name="other"), SETTINGS, tmp_path),
    ]
    assert len({here, *others}) == 4
    assert store_folder(corpus, FeatureSettings(clip=None), tmp_path) == here


@pytest.mark.faults
def test_bad_files_are_left_out_listed_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    corpus = noise_corpus(tmp_path / "audio", 20)
    audio = tmp_path / "audio"
    (audio / "u0003.wav").write_bytes(b"no audio")
    (audio / "u0007.wav").unlink()
    (audio / "u0011.wav").write_bytes((audio / "u0011.wav").read_bytes()[:1000])
    soundfile.write(audio / "u0012.wav", np.full((1600, 2), 0.5), 44100)
    soundfile.write(audio / "u0013.wav", np.zeros(16000 * 2), 16000)
    reader = Problem("listed.wav", "is in the label table, not on the disk", "restore it")
    corpus = replace(corpus, problems=(reader,))
    kept, store = prepared(corpus, tmp_path / "stores", max_bad_files=0.2, chunks=ChunkSettings(1.0, 1.5))
    assert len(kept) == 17
    assert {p.file for p in kept.problems} == {"listed.wav", "u0003.wav", "u0007.wav", "u0011.wav"}
    bad = pd.read_csv(store.folder / "bad_files.csv").set_index("file")
    assert list(bad.columns) == ["fault", "remedy"]
    assert set(bad.index) == {problem.file for problem in kept.problems}
    assert bad.loc["u0011.wav", "fault"].startswith("cut off")
    assert bad.notna().all(axis=None)
    assert "4 files are left out, listed in" in caplog.text
    assert "of 17 utterances 16 shorter than 1 s, 1 stereo, 1 resampled from 44100 Hz, 1 digital silence" in caplog.text
    assert "1 longer than 1.5 s" in caplog.text
    store.locate(kept.table["utterance_id"])

    noise_corpus(tmp_path / "audio", 12)  # mended
    kept, store = prepared(replace(corpus, problems=()), tmp_path / "stores")
    assert len(kept) == 20
    assert not (store.folder / "bad_files.csv").exists()


@pytest.mark.faults
def test_too_many_bad_files_refuse_to_start(tmp_path: Path) -> None:
    corpus = noise_corpus(tmp_path / "audio", 20)
    (tmp_path / "audio" / "u0003.wav").write_bytes(b"no audio")
    with pytest.raises(DataError, match=r"1 of 20 files of noise cannot be used.*u0003\.wav: cannot be read"):
        prepared(corpus, tmp_path / "stores", max_bad_files=0.04)
    assert len(list((tmp_path / "stores").rglob("bad_files.csv"))) == 1
    assert len(prepared(corpus, tmp_path / "stores", max_bad_files=0.05)[0]) == 19


@pytest.mark.faults
def test_features_too_large_for_float16_are_a_fault(tmp_path: Path) -> None:
    corpus = noise_corpus(tmp_path / "audio", 3)
    soundfile.write(tmp_path / "audio" / "u0001.wav", np.full(1600, 900.0), 16000, subtype="FLOAT")
    settings = FeatureSettings(peak_normalize=False)
    kept, _ = fill_store(corpus, settings, tmp_path / "stores", 0.5, progress=False)
    assert [problem.file for problem in kept.problems] == ["u0001.wav"]
    assert "65504" in kept.problems[0].fault
    assert not prepared(corpus, tmp_path / "stores")[0].problems


@pytest.mark.faults
def test_nothing_at_all_is_no_crash(tmp_path: Path) -> None:
    corpus, store = prepared(corpus_of(tmp_path, []), tmp_path / "stores")
    assert not len(corpus)
    assert not len(store.entries)
    corpus, _ = prepared(corpus_of(tmp_path, ["gone.wav"]), tmp_path / "stores", max_bad_files=1.0)
    assert [problem.fault for problem in corpus.problems] == [f"no such file under {tmp_path}"]


def test_processes_write_what_one_would(tmp_path: Path) -> None:
    corpus = noise_corpus(tmp_path / "audio", 230, seconds=0.05)
    (tmp_path / "audio" / "u0100.wav").write_bytes(b"no audio")
    several, parallel = prepared(corpus, tmp_path / "parallel", max_bad_files=0.1, workers=2)
    one, inline = prepared(corpus, tmp_path / "inline", max_bad_files=0.1, workers=1)
    assert several.problems == one.problems
    assert len(one.problems) == 1
    for file in ("frames.f16", "index.jsonl"):
        assert (parallel.folder / file).read_bytes() == (inline.folder / file).read_bytes()


@pytest.mark.faults
def test_a_preparation_killed_in_the_middle_goes_on(tmp_path: Path) -> None:
    corpus = noise_corpus(tmp_path / "audio", 300, seconds=0.05)
    folder = store_folder(corpus, SETTINGS, tmp_path / "stores")
    (tmp_path / "prepare.py").write_text(PREPARE)
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "prepare.py"), str(tmp_path / "audio"), str(tmp_path / "stores")],
        env=injected(tmp_path / "site", SLOW_OPENING),
        cwd=ROOT,
        start_new_session=True,
    )
    wait_for(lambda: (folder / "index.jsonl").exists() and (folder / "index.jsonl").stat().st_size)
    process.kill()
    process.wait()
    wait_for(lambda: not alive(process.pid))  # its workers end as well
    assert 0 < len(FeatureStore.open(folder).entries) < 300
    _, resumed = prepared(corpus, tmp_path / "stores", workers=1)
    _, whole = prepared(corpus, tmp_path / "whole", workers=1)
    for file in ("frames.f16", "index.jsonl"):
        assert (resumed.folder / file).read_bytes() == (whole.folder / file).read_bytes()


def wait_for(condition, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def alive(group: int) -> bool:
    """Whether a process of the group runs; one that has ended and waits to be reaped does not."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = stat.read_text().rsplit(")", 1)[1].split()[:3]
        except OSError:  # it ended while we looked
            continue
        if int(its_group) == group and state != "Z":
            return True
    return False


@pytest.mark.faults
def test_a_file_that_kills_its_process_costs_itself_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = noise_corpus(tmp_path / "audio", 40, seconds=0.05)
    monkeypatch.setattr(extract_files, "INLINE_FILES", 0)
    for name, value in injected(tmp_path / "site", DEADLY_FILES).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DEADLY_FILES", "u0015.wav")
    kept, store = prepared(corpus, tmp_path / "stores", workers=2, max_bad_files=0.05)
    assert [(p.file, p.fault) for p in kept.problems] == [("u0015.wav", "the process reading it was killed")]
    assert list(store.entries.index) == list(kept.table["utterance_id"])
    # It is tried again, and this time it does no harm.
    monkeypatch.setenv("DEADLY_FILES", "")
    assert len(prepared(corpus, tmp_path / "stores", workers=1)[0]) == 40


@pytest.mark.faults
def test_a_decoder_that_never_ends_costs_its_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = noise_corpus(tmp_path / "audio", 40, seconds=0.05)
    monkeypatch.setattr(extract_files, "INLINE_FILES", 0)
    # Longer than a worker takes to load librosa on a busy machine.
    monkeypatch.setattr(extract_files, "SECONDS_A_FILE", 15.0)
    endless = DEADLY_FILES.replace("os.kill(os.getpid(), signal.SIGKILL)", "__import__('time').sleep(600)")
    for name, value in injected(tmp_path / "site", endless).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DEADLY_FILES", "u0015.wav")
    started = time.monotonic()
    kept, store = prepared(corpus, tmp_path / "stores", workers=2, max_bad_files=0.05)
    assert time.monotonic() - started < 120
    assert [(p.file, p.fault) for p in kept.problems] == [("u0015.wav", "reading it did not end within 15 s")]
    assert list(store.entries.index) == list(kept.table["utterance_id"])


@pytest.mark.faults
@pytest.mark.parametrize("workers", [1, 2])
def test_a_decoder_that_never_ends_among_few_files_costs_its_own(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = noise_corpus(tmp_path / "audio", 5)
    real = extract_files.read_audio

    def endless(path: Path, *options: object) -> object:
        return threading.Event().wait() if path.name == "u0002.wav" else real(path, *options)

    monkeypatch.setattr(extract_files, "read_audio", endless)
    monkeypatch.setattr(extract_files, "SECONDS_A_FILE", 2.0)
    kept, store = prepared(corpus, tmp_path / "stores", workers=workers, max_bad_files=0.2)
    assert [(p.file, p.fault) for p in kept.problems] == [("u0002.wav", "reading it did not end within 2 s")]
    assert list(store.entries.index) == list(kept.table["utterance_id"])
    monkeypatch.setattr(extract_files, "MOST_LOST", 0)
    with pytest.raises(DataError, match=r"hung 1 times, the last at .*u0002\.wav"):
        prepared(corpus, tmp_path / "others", workers=workers)


@pytest.mark.faults
def test_a_pipe_among_recordings_is_left_out(tmp_path: Path) -> None:
    corpus = noise_corpus(tmp_path / "audio", 5)
    (tmp_path / "audio" / "u0002.wav").unlink()
    os.mkfifo(tmp_path / "audio" / "u0002.wav")
    kept, _ = prepared(corpus, tmp_path / "stores", max_bad_files=0.2)
    assert [problem.file for problem in kept.problems] == ["u0002.wav"]
    with pytest.raises(DataError, match=r"u0002\.wav: is a pipe"):
        find_audio([tmp_path / "audio" / "u0002.wav"])


@pytest.mark.faults
def test_processes_that_die_as_they_begin_end_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dying = "import os, sys\nif any('spawn_main' in one for one in sys.orig_argv): os._exit(3)"
    for name, value in injected(tmp_path / "site", dying).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(extract_files, "INLINE_FILES", 0)
    with pytest.raises(DataError, match=r"ended as they began; .*data\.workers=1"):
        prepared(noise_corpus(tmp_path / "audio", 20, seconds=0.05), tmp_path / "stores", workers=2)


@pytest.mark.faults
def test_processes_that_always_die_end_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = noise_corpus(tmp_path / "audio", 20, seconds=0.05)
    for name, value in injected(tmp_path / "site", DEADLY_FILES).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DEADLY_FILES", " ".join(corpus.table["path"][3:]))
    monkeypatch.setattr(extract_files, "INLINE_FILES", 0)
    monkeypatch.setattr(extract_files, "MOST_LOST", 0)
    with pytest.raises(DataError, match=r"were killed or hung 1 times, the last at .*u0003\.wav; .*data\.workers=1"):
        prepared(corpus, tmp_path / "stores", workers=2)
    kept = FeatureStore.open(store_folder(corpus, SETTINGS, tmp_path / "stores")).entries
    assert list(kept.index) == ["u0000.wav", "u0001.wav", "u0002.wav"]
