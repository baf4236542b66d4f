"""The unlabelled pool: any folder, cut, remembered, shuffled as released, less what is labelled."""

import os
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import soundfile

from datamodules.corpora import folder, librispeech, msp_podcast
from datamodules.corpus import COLUMNS, Corpus, Problem
from datamodules.errors import DataError
from datamodules.reading import headers
from datamodules.unlabeled import first, in_order, of_training_set


def read_folder(root: Path, max_seconds: float = 11.0, scan_cache: Path | None = None) -> Corpus:
    pool = folder.read_pool(root, max_seconds=max_seconds, scan_cache=scan_cache)
    assert pool is not None
    return pool


def test_no_folder_is_no_pool() -> None:
    assert folder.read_pool(None) is None
    assert librispeech.read_pool(None) is None


@pytest.mark.parametrize("suffix", ["wav", "WAV", "flac", "ogg", "mp3", "aiff", "au"])
def test_any_format_any_name_any_depth(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / "deep" / "er" / f"a name, of sorts #1.{suffix}"
    file.parent.mkdir(parents=True)
    soundfile.write(file, np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000, format=suffix.upper())
    (tmp_path / "notes.txt").write_text("not audio")
    pool = read_folder(tmp_path)
    assert tuple(pool.table.columns) == COLUMNS
    assert pool.table["utterance_id"].tolist() == [f"deep/er/a name, of sorts #1.{suffix}"]
    assert pool.table[["split", "start_sample", "stop_sample"]].to_numpy().tolist() == [["unlabeled", 0, -1]]
    assert (pool.version, pool.label_kind, pool.problems) == ("1 files", "none", ())


def test_long_files_are_cut_into_equal_pieces(tmp_path: Path, tiny: ModuleType) -> None:
    tiny.write_wav(tmp_path / "short.wav", 2.0, rate=8000)
    tiny.write_wav(tmp_path / "just.wav", 2.5, rate=8000)
    tiny.write_wav(tmp_path / "long.wav", 6.001, rate=8000)
    pool = read_folder(tmp_path, max_seconds=2.5)
    rows = pool.table.set_index("utterance_id")[["path", "start_sample", "stop_sample"]]
    assert rows.loc["short.wav"].tolist() == ["short.wav", 0, -1]
    assert rows.loc["just.wav"].tolist() == ["just.wav", 0, -1]
    pieces = [rows.loc[f"long.wav#{piece}"].tolist() for piece in range(3)]
    assert pieces == [["long.wav", 0, 16002], ["long.wav", 16002, 32005], ["long.wav", 32005, 48008]]
    assert len(rows) == 5
    assert pool.version == "3 files"
    assert pool.notes == ("3 pieces of at most 2.5 s come from longer files",)


@pytest.mark.parametrize("frames", [48_001, 60_000, 96_000, 96_001, 1_000_000])
def test_pieces_join_to_the_file_and_are_neither_long_nor_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frames: int
) -> None:
    (tmp_path / "a.wav").write_bytes(b"header faked below")
    monkeypatch.setattr(headers, "_header", lambda path: (frames, 16_000, ""))
    table = read_folder(tmp_path, max_seconds=3.0).table
    lengths = table["stop_sample"] - table["start_sample"]
    assert table["start_sample"].tolist() == [0, *table["stop_sample"].tolist()[:-1]]
    assert table["stop_sample"].iloc[-1] == frames
    assert lengths.max() <= 48_000
    assert lengths.min() >= 16_000
    assert lengths.max() - lengths.min() <= 1


def test_files_that_cannot_be_opened_are_problems(tmp_path: Path, tiny: ModuleType) -> None:
    tiny.write_wav(tmp_path / "good.wav")
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.flac").write_text("not audio at all")
    soundfile.write(tmp_path / "silent.wav", np.zeros(0), 16_000)
    (tmp_path / "folder.wav").mkdir()
    pool = read_folder(tmp_path)
    assert pool.table["utterance_id"].tolist() == ["good.wav"]
    faults = {problem.file: problem.fault for problem in pool.problems}
    assert sorted(faults) == ["empty.wav", "silent.wav", "text.flac"]
    assert "cannot be opened as audio" in faults["text.flac"]
    assert faults["silent.wav"] == "holds no audio"
    assert {problem.remedy for problem in pool.problems} == {"mend it or remove it from the pool"}


def test_a_name_that_is_not_utf8_is_a_problem(tmp_path: Path, tiny: ModuleType) -> None:
    tiny.write_wav(tmp_path / "good.wav")
    os.rename(tmp_path / "good.wav", os.fsencode(tmp_path) + b"/caf\xe9.wav")
    tiny.write_wav(tmp_path / "good.wav")
    pool = read_folder(tmp_path, scan_cache=tmp_path / "cache.parquet")
    assert pool.table["utterance_id"].tolist() == ["good.wav"]
    assert [problem.file for problem in pool.problems] == ["caf\\xe9.wav"]


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir(), lambda path: path.touch()])
def test_a_folder_that_cannot_be_a_pool(tmp_path: Path, make) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / "pool")
    with pytest.raises(DataError, match=r"pool: .*set data\.unlabeled_dir to"):
        folder.read_pool(tmp_path / "pool")


def test_a_second_scan_opens_only_what_is_new(
    tmp_path: Path, tiny: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    real = headers._header
    monkeypatch.setattr(headers, "_header", lambda path: opened.append(path.name) or real(path))
    cache = tmp_path / "store" / "scan.parquet"
    root = tmp_path / "pool"
    for name in ("a.wav", "b.wav", "c.wav"):
        tiny.write_wav(root / name, 0.5)
    (root / "d.wav").touch()

    first = read_folder(root, scan_cache=cache)
    assert sorted(opened) == ["a.wav", "b.wav", "c.wav", "d.wav"]
    opened.clear()
    second = read_folder(root, scan_cache=cache)
    assert opened == []
    pd.testing.assert_frame_equal(first.table, second.table)
    assert first.problems == second.problems

    tiny.write_wav(root / "b.wav", 12.0)
    tiny.write_wav(root / "e.wav", 0.5)
    (root / "c.wav").unlink()
    third = read_folder(root, scan_cache=cache)
    assert sorted(opened) == ["b.wav", "e.wav"]
    assert third.table["utterance_id"].tolist() == ["a.wav", "b.wav#0", "b.wav#1", "e.wav"]

    cache.write_bytes(b"half a file")
    opened.clear()
    pd.testing.assert_frame_equal(read_folder(root, scan_cache=cache).table, third.table)
    assert sorted(opened) == ["a.wav", "b.wav", "d.wav", "e.wav"]


def test_an_interrupted_scan_goes_on_where_it_was(
    tmp_path: Path, tiny: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, cache = tmp_path / "pool", tmp_path / "scan.parquet"
    for number in range(6):
        tiny.write_wav(root / f"{number}.wav")
    monkeypatch.setattr(headers, "BETWEEN_SAVES", 2)
    opened: list[str] = []
    real = headers._header

    def interrupted(path: Path) -> tuple[int, int, str]:
        if path.name == "4.wav":
            raise KeyboardInterrupt
        return real(path)

    monkeypatch.setattr(headers, "_header", interrupted)
    with pytest.raises(KeyboardInterrupt):
        read_folder(root, scan_cache=cache)
    monkeypatch.setattr(headers, "_header", lambda path: opened.append(path.name) or real(path))
    assert len(read_folder(root, scan_cache=cache)) == 6
    assert sorted(opened) == ["4.wav", "5.wav"]


def test_librispeech_takes_its_own_files_with_their_speakers(tmp_path: Path, tiny: ModuleType) -> None:
    root = tmp_path / "LibriSpeech"
    for name in (
        "train-clean-100/83/11691/83-11691-0000.flac",
        "test-other/367/130732/367-130732-0004.flac",
        "test-other/367/130732/83-11691-0004.flac",
        "intro/83-11691-0000.flac",
    ):
        tiny.write_wav(root / name)
    for given in (root, tmp_path):
        pool = librispeech.read_pool(given)
        assert pool is not None
        assert pool.name == "librispeech"
        assert dict(zip(pool.table["utterance_id"], pool.table["speaker"], strict=True)) == {
            "test-other/367/130732/367-130732-0004.flac": "367",
            "train-clean-100/83/11691/83-11691-0000.flac": "83",
        }


def test_the_real_librispeech(real_data: Path) -> None:
    pool = librispeech.read_pool(real_data / "LibriSpeech")
    assert pool is not None
    assert (pool.version, pool.problems) == ("250 files", ())
    assert pool.table["speaker"].nunique() == 160
    cut = pool.table[pool.table["stop_sample"] >= 0]
    lengths = (cut["stop_sample"] - cut["start_sample"]) / 16_000
    assert lengths.between(5.5, 11).all()


def pool_of(root: Path, names: list[str]) -> Corpus:
    """A pool whose files need not exist."""
    table = pd.DataFrame({"utterance_id": names, "path": [name.split("#")[0] for name in names]})
    return Corpus("pool", "1", root, "none", table)


def test_the_order_is_that_of_the_released_program(tmp_path: Path) -> None:
    names = [f"file_{number}.wav" for number in range(1000)]
    standing = sorted(names)
    indices = list(range(len(names)))
    np.random.seed(99)  # noqa: NPY002 - as the released program draws
    np.random.shuffle(indices)  # noqa: NPY002
    expected = [standing[index] for index in indices]
    scrambled = [names[index] for index in np.random.default_rng(0).permutation(len(names))]
    assert first(in_order(pool_of(tmp_path, scrambled), None), 1000).table["utterance_id"].tolist() == expected


def test_subsets_are_nested_and_fixed(tmp_path: Path) -> None:
    pool = pool_of(tmp_path, [f"{number}.wav" for number in range(300)])
    small, large = (first(in_order(pool, None), size).table["utterance_id"].tolist() for size in (50, 200))
    assert large[:50] == small
    assert first(in_order(pool, None), 50).table["utterance_id"].tolist() == small
    assert first(in_order(pool, None, seed=1), 50).table["utterance_id"].tolist() != small
    assert len(first(in_order(pool, None), 0)) == 0


def test_labelled_files_are_left_out_by_name_and_by_identity(tmp_path: Path, tiny: ModuleType) -> None:
    labeled = msp_podcast.read(tiny.write_corpus(tmp_path / "corpus"))
    audio = tmp_path / "corpus" / "Audios"
    root = tmp_path / "pool"
    tiny.write_wav(root / "long.wav", 3.0)
    tiny.write_wav(root / "sub" / "MSP-PODCAST_0001_0003.wav", 3.0)  # the same name
    os.link(audio / "MSP-PODCAST_0001_0000.wav", root / "hard.wav")
    (root / "soft.wav").symlink_to(audio / "MSP-PODCAST_0001_0001.wav")
    (root / "linked").symlink_to(audio)
    pool = read_folder(root, max_seconds=2.0)

    chosen = first(in_order(pool, labeled), 2)
    assert sorted(chosen.table["utterance_id"]) == ["long.wav#0", "long.wav#1"]
    assert chosen.notes[-1] == "13 files of the pool are also labelled and are left out of it"
    with pytest.raises(DataError, match=r"unlabeled_size=3 .* has 2 utterances besides .*set unlabeled_size"):
        first(in_order(pool, labeled), 3)


def test_more_than_there_are(tmp_path: Path) -> None:
    with pytest.raises(
        DataError,
        match="unlabeled_size=3 was asked for, but the pool has 2 utterances besides",
    ):
        first(in_order(pool_of(tmp_path, ["a.wav", "b.wav"]), None), 3)


def test_a_labelled_name_counts_whatever_its_suffix_and_case(tmp_path: Path, tiny: ModuleType) -> None:
    labeled = msp_podcast.read(tiny.write_corpus(tmp_path / "corpus"))
    labeled = replace(labeled, also_listed=("MSP-PODCAST_9999_0001.wav",))  # a secret test set's, listed alone
    labeled = labeled.without([Problem("MSP-PODCAST_0001_0002.wav", "broken", "mend it")])
    root = tmp_path / "pool"
    for name in ("msp-podcast_0001_0003.WAV", "MSP-PODCAST_0001_0001.flac", "sub/Msp-Podcast_0001_0002.wav"):
        tiny.write_wav(root / name, 1.0)
    for name in ("MSP-PODCAST_9999_0001.ogg.wav", "msp-podcast_9999_0001.wav", "other.wav"):
        tiny.write_wav(root / name, 1.0)
    kept = in_order(read_folder(root), labeled).table["utterance_id"]
    assert sorted(kept) == ["MSP-PODCAST_9999_0001.ogg.wav", "other.wav"]


def test_a_subset_without_copies_is_still_a_prefix_of_a_larger_one(tmp_path: Path) -> None:
    pool = in_order(pool_of(tmp_path, [f"{number}.wav" for number in range(30)]), None)
    everything = pool.table["path"].tolist()
    copies = {everything[3], everything[20]}
    small, large = (first(pool, size, without=copies).table["path"].tolist() for size in (5, 20))
    assert small == large[:5] == [*everything[:3], *everything[4:6]]
    assert not copies & set(large)
    assert (
        first(pool, 5, without=copies).notes[-1]
        == "2 files of the pool are copies of labelled ones and are left out of it"
    )


def test_the_training_set_once_more_has_no_labels(tmp_path: Path, tiny: ModuleType) -> None:
    """A control in the pool's place: nested like it, in the same order for the same seed."""
    corpus = msp_podcast.read(tiny.write_corpus(tmp_path / "corpus"))
    train = set(corpus.rows("train")["utterance_id"])
    whole = of_training_set(corpus, len(train))
    assert set(whole.table["utterance_id"]) == train
    assert set(whole.table["split"]) == {"unlabeled"}
    assert whole.table[["arousal", "dominance", "valence"]].isna().all(axis=None)
    assert set(whole.table["emotion"]) == {""}
    assert not corpus.rows("train")["arousal"].isna().any()  # whose labels are still there
    part = of_training_set(corpus, 1)
    assert part.table["utterance_id"].tolist() == whole.table["utterance_id"].tolist()[:1]
    with pytest.raises(DataError, match=r"has \d+ sentences; set unlabeled_size to at most"):
        of_training_set(corpus, len(train) + 1)


def test_what_a_sentence_was_cut_from(tmp_path: Path, tiny: ModuleType) -> None:
    corpus = msp_podcast.read(tiny.write_corpus(tmp_path / "corpus"))
    named = dict(zip(corpus.table["utterance_id"], corpus.table["recording"], strict=True))
    for name, recording in named.items():
        assert recording == (name.split("_")[1] if name.startswith("MSP-PODCAST_") else "")
    assert any(named.values())
    tiny.write_wav(tmp_path / "pool" / "long.wav", 5.0, rate=8000)
    tiny.write_wav(tmp_path / "pool" / "short.wav", 1.0, rate=8000)
    pool = read_folder(tmp_path / "pool", max_seconds=2.5)
    assert pool.table["recording"].tolist() == ["long.wav", "long.wav", ""]
