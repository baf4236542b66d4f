"""Every public version of MSP-Podcast reads as the same table."""

import os
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf

from datamodules.corpora.msp_podcast import read
from datamodules.corpus import COLUMNS
from datamodules.errors import DataError
from datamodules.labels import ATTRIBUTES


def test_a_corpus_as_handed_out(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path / "MSP-PODCAST-Publish-1.10", {"Train": 5, "Development": 2, "Test1": 3})
    corpus = read(root)

    assert (corpus.name, corpus.version, corpus.label_kind) == ("msp_podcast", "1.10", "human ratings")
    assert tuple(corpus.table.columns) == COLUMNS
    assert corpus.splits() == ["train", "development", "test1"]
    assert [len(corpus.rows(split)) for split in corpus.splits()] == [5, 2, 3]
    assert corpus.problems == ()
    assert corpus.notes == ()
    assert (corpus.table["start_sample"] == 0).all()
    assert (corpus.table["stop_sample"] == -1).all()
    rows = tiny.label_rows({"Train": 5, "Development": 2, "Test1": 3})
    assert corpus.table["utterance_id"].tolist() == rows["FileName"].tolist()
    assert corpus.table["speaker"].tolist()[:4] == ["0", "1", "2", "Unknown"]
    for attribute, column in zip(ATTRIBUTES, ("EmoAct", "EmoDom", "EmoVal"), strict=True):
        assert corpus.table[attribute].tolist() == rows[column].tolist()
    assert corpus.table["emotion"].tolist()[:5] == [
        "anger",
        "sadness",
        "happiness",
        "neutral",
        "no agreement",
    ]
    assert all((corpus.root / path).is_file() for path in corpus.table["path"])


def test_columns_are_read_by_name(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path)
    before = read(root).table
    rows = tiny.label_rows({"Train": 6, "Development": 2, "Test1": 2})
    rows[" EmoAct"] = rows.pop("EmoAct")
    tiny.write_labels(root, rows[rows.columns[::-1]].assign(Extra=1))
    pd.testing.assert_frame_equal(read(root).table, before)


@pytest.mark.parametrize("audio_folder", ["Audios", "Audio", "audio/part1", "Audios/a/b"])
@pytest.mark.parametrize(
    "label_table",
    ["Labels/labels_consensus.csv", "labels/labels_concensus.csv", "label/labels_consensus.csv"],
)
def test_folders_and_tables_by_any_of_their_names(
    tmp_path: Path, tiny: ModuleType, audio_folder: str, label_table: str
) -> None:
    corpus = read(tiny.write_corpus(tmp_path, audio_folder=audio_folder, label_table=label_table))
    assert len(corpus) == 10
    assert corpus.table["path"][0] == f"{audio_folder}/MSP-PODCAST_0001_0000.wav"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Train", "train"),
        ("Validation", "development"),
        ("Development", "development"),
        ("development", "development"),
        ("Test", "test"),
        ("Test1", "test1"),
        ("Test 2", "test2"),
        ("TEST3", "test3"),
        (" test12 ", "test12"),
    ],
)
def test_split_names_of_every_version(tmp_path: Path, tiny: ModuleType, written: str, meant: str) -> None:
    assert read(tiny.write_corpus(tmp_path, {written: 2})).splits() == [meant]


def test_the_version_stated_beats_the_folder_and_the_folder_may_be_a_link(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path / "MSP-PODCAST-Publish-1.8", {"Train": 2, "Validation": 1})
    link = tmp_path / "podcast"
    link.symlink_to(root)
    assert read(link).version == "1.8"
    assert read(link, version="1.6").version == "1.6"
    assert read(tiny.write_corpus(tmp_path / "mine")).version == "unknown"


def test_an_unquoted_1_10_is_not_taken_for_1_1(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path)
    typed = OmegaConf.from_dotlist(["version=1.10", "quoted='1.10'"])
    with pytest.raises(DataError, match=r"data\.version='1\.10'"):
        read(root, version=typed.version)
    assert read(root, version=typed.quoted).version == "1.10"


def test_labels_and_audio_may_lie_elsewhere(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path / "corpus", label_table="Labels/mine.csv")
    (root / "Audios").rename(tmp_path / "disk2")
    corpus = read(root, labels="Labels/mine.csv", audio=str(tmp_path / "disk2"))
    assert len(corpus) == 10
    assert not Path(corpus.table["path"][0]).is_absolute()
    assert (corpus.root / corpus.table["path"][0]).is_file()


def test_the_audio_folder_may_be_a_link_even_to_itself(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path / "corpus")
    (root / "Audios").rename(tmp_path / "disk2")
    (root / "Audios").symlink_to(tmp_path / "disk2")
    (root / "Audio").symlink_to(root / "Audios")
    (tmp_path / "disk2" / "again").symlink_to(tmp_path / "disk2")
    assert len(read(root)) == 10
    assert read(root).problems == ()


def test_names_may_differ_in_case_suffix_and_sub_folder(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path)
    rows = tiny.label_rows({"Train": 6, "Development": 2, "Test1": 2})
    rows.loc[0, "FileName"] = "MSP-PODCAST_0001_0000"
    rows.loc[1, "FileName"] = "msp-podcast_0001_0001.WAV"
    tiny.write_wav(root / "Audios" / "part" / "MSP-PODCAST_0002_0000.wav")
    rows.loc[2, "FileName"] = "part/MSP-PODCAST_0002_0000.wav"
    tiny.write_labels(root, rows)
    corpus = read(root)
    assert corpus.problems == ()
    assert corpus.table["path"].tolist()[:3] == [
        "Audios/MSP-PODCAST_0001_0000.wav",
        "Audios/MSP-PODCAST_0001_0001.wav",
        "Audios/part/MSP-PODCAST_0002_0000.wav",
    ]


def test_a_test_set_without_ratings_is_kept(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path, {"Train": 3, "Test3": 2})
    rows = tiny.label_rows({"Train": 3, "Test3": 2}).astype({"EmoAct": object, "EmoVal": object, "EmoDom": object})
    rows.loc[3:, ["EmoAct", "EmoVal", "EmoDom", "EmoClass"]] = ["", "nan", "", ""]
    tiny.write_labels(root, rows)
    corpus = read(root)
    assert corpus.problems == ()
    assert len(corpus.rows("test3")) == 2
    assert np.isnan(corpus.rows("test3")[list(ATTRIBUTES)].to_numpy()).all()


@pytest.mark.parametrize("list_name", ["Partitions.txt", "Partition.txt", "Labels/Partitions.txt"])
def test_a_test_set_that_is_only_in_the_partition_list(tmp_path: Path, tiny: ModuleType, list_name: str) -> None:
    root = tiny.write_corpus(tmp_path)
    tiny.write_wav(root / "Audios" / "MSP-PODCAST_0009_0001.wav")
    (root / list_name).write_text(
        "Train; MSP-PODCAST_0001_0000.wav\n"
        "Train; MSP-PODCAST_0008_0001.wav\n"
        "Test3; MSP-PODCAST_0009_0001.wav\n"
        "Test3; MSP-PODCAST_0009_0002.wav\n"
        "a line of prose\n"
    )
    corpus = read(root)
    assert corpus.splits() == ["train", "development", "test1", "test3"]
    assert corpus.rows("test3")["path"].tolist() == ["Audios/MSP-PODCAST_0009_0001.wav"]
    assert corpus.rows("test3")[list(ATTRIBUTES)].isna().all(axis=None)
    assert [problem.file for problem in corpus.problems] == ["MSP-PODCAST_0009_0002.wav"]
    assert corpus.table[list(ATTRIBUTES)].dtypes.tolist() == [np.dtype(float)] * 3


@pytest.mark.parametrize("text", ["", "\n\n", "no separator at all\n"])
def test_a_partition_list_that_says_nothing(tmp_path: Path, tiny: ModuleType, text: str) -> None:
    root = tiny.write_corpus(tmp_path)
    (root / "Partitions.txt").write_text(text)
    assert len(read(root)) == 10


def test_names_without_suffix_in_the_partition_list(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path)
    tiny.write_wav(root / "Audios" / "MSP-PODCAST_0009_0001.wav")
    (root / "Partitions.txt").write_text("Test3; MSP-PODCAST_0009_0001\n")
    assert read(root).rows("test3")["utterance_id"].tolist() == ["MSP-PODCAST_0009_0001.wav"]


def test_a_secret_test_set_whose_audio_was_not_fetched_is_only_noted(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path)
    (root / "Partitions.txt").write_text("Test3; MSP-PODCAST_0009_0001.wav\nTest3; MSP-PODCAST_0009_0002.wav\n")
    corpus = read(root)
    assert len(corpus) == 10
    assert corpus.problems == ()
    assert corpus.notes == ("test3: 2 files are in the partition list only, without ratings and audio",)


def test_unlisted_files_are_noted_and_not_used(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path)
    tiny.write_wav(root / "Audios" / "MSP-PODCAST_0099_0001.wav")
    (root / "Audios" / "._MSP-PODCAST_0001_0000.wav").write_bytes(b"left by macOS")
    (root / "Audios" / "readme.txt").write_text("hello")
    corpus = read(root)
    assert len(corpus) == 10
    assert corpus.problems == ()
    assert len(corpus.notes) == 1
    assert corpus.notes[0].startswith("1 audio files are not listed")
    assert "Audios/MSP-PODCAST_0099_0001.wav" in corpus.notes[0]


def test_the_label_digest_follows_the_table(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path)
    before = read(root).label_digest
    assert len(before) == 64
    assert read(root).label_digest == before
    rows = tiny.label_rows({"Train": 6, "Development": 2, "Test1": 2})
    rows.loc[0, "EmoVal"] = 6.5
    tiny.write_labels(root, rows)
    assert read(root).label_digest != before


def test_many_files_are_listed_fast(tmp_path: Path, tiny: ModuleType) -> None:
    count = 20_000
    rows = tiny.label_rows({"Train": count})
    tiny.write_labels(tmp_path, rows)
    (tmp_path / "Audios").mkdir()
    for name in rows["FileName"]:
        os.close(os.open(tmp_path / "Audios" / name, os.O_CREAT | os.O_WRONLY))
    start = time.perf_counter()
    assert len(read(tmp_path)) == count
    assert time.perf_counter() - start < 4  # 150,000 files within half a minute on a slow machine


@pytest.mark.parametrize("version", ["1.6", "1.8", "1.11"])
@pytest.mark.parametrize("name", ["Validation", "Development"])
def test_the_development_set_is_read_by_either_name_in_every_version(
    version: str, name: str, tmp_path: Path, tiny: ModuleType
) -> None:
    """Another version told instead would falsify the results' stamp."""
    corpus = read(tiny.write_corpus(tmp_path, {"Train": 4, name: 3, "Test1": 2}), version=version)
    assert (corpus.version, len(corpus.rows("development")), corpus.problems) == (version, 3, ())


@pytest.mark.parametrize(
    ("folder", "version"),
    [
        ("MSP-PODCAST-Publish-1.8", "1.8"),
        ("msp_podcast_release1.12", "1.12"),
        ("podcast_release1.12", "1.12"),
        ("corpus-v1.12", "1.12"),
        ("v1.11", "1.11"),
        ("MSP-Podcast v1.6", "1.6"),
        ("archive1.7", "unknown"),
        ("podcast", "unknown"),
    ],
)
def test_the_version_is_in_the_folders_name(folder: str, version: str, tmp_path: Path, tiny: ModuleType) -> None:
    assert read(tiny.write_corpus(tmp_path / folder)).version == version


@pytest.mark.parametrize("placeholder", ["0.0", "0", "NULL", "", "nan"])
def test_placeholders_of_secret_ratings_make_unrated_sentences(
    placeholder: str, tmp_path: Path, tiny: ModuleType
) -> None:
    splits = {"Train": 4, "Development": 2, "Test1": 2, "Test3": 3}
    root, rows = tiny.write_corpus(tmp_path, splits), tiny.label_rows(splits).astype(str)
    rows.loc[rows["Split_Set"] == "Test3", ["EmoAct", "EmoVal", "EmoDom"]] = placeholder
    tiny.write_labels(root, rows)
    corpus = read(root)
    assert corpus.problems == ()
    assert len(corpus.rows("test3")) == 3
    assert corpus.rows("test3")[list(ATTRIBUTES)].isna().all().all()
    assert corpus.rows("test1")[list(ATTRIBUTES)].notna().all().all()


def test_a_zero_in_the_training_set_is_a_fault(tmp_path: Path, tiny: ModuleType) -> None:
    root, rows = tiny.write_corpus(tmp_path), tiny.label_rows({"Train": 6, "Development": 2, "Test1": 2}).astype(str)
    rows.loc[1, "EmoAct"] = "0.0"
    tiny.write_labels(root, rows)
    (problem,) = read(root).problems
    assert "not a number from 1 to 7" in problem.fault


def test_two_columns_of_one_name_are_refused(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path)
    table = root / "Labels" / "labels_consensus.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0] + ",EmoAct", *(line + ",4" for line in lines[1:])]) + "\n")
    with pytest.raises(DataError, match="has more than one column EmoAct; leave one of each"):
        read(root)


def test_files_of_the_list_without_audio_are_remembered_by_name(tmp_path: Path, tiny: ModuleType) -> None:
    """So that a pool does not hold a secret test set."""
    root = tiny.write_corpus(tmp_path)
    (root / "Partitions.txt").write_text("Test3; MSP-PODCAST_0009_0001.wav\nTest3; MSP-PODCAST_0009_0002.wav\n")
    corpus = read(root)
    assert corpus.also_listed == ("MSP-PODCAST_0009_0001.wav", "MSP-PODCAST_0009_0002.wav")
    assert "test3" not in corpus.splits()


@pytest.mark.faults
def test_a_blank_first_line_hides_no_second_column(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path)
    table = root / "Labels" / "labels_consensus.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join(["", " ", lines[0] + ",EmoAct", *(line + ",4" for line in lines[1:])]) + "\n")
    with pytest.raises(DataError, match="has more than one column EmoAct; leave one of each"):
        read(root)
    table.write_text("\n".join(["", " ", *lines]) + "\n")
    assert len(read(root)) == len(lines) - 1


CELLS = ",x" * 1_000_000


@pytest.mark.faults
@pytest.mark.parametrize(
    "spoiled",
    [
        lambda lines: ["", lines[0] + CELLS, *lines[1:]],
        lambda lines: ['"a\n",' + lines[0] + CELLS, *lines[1:]],
        lambda lines: [lines[0], lines[1] + CELLS, *lines[2:]],
        lambda lines: [lines[0] + "," + "x" * 200_000, *lines[1:]],
        lambda lines: [*lines, "\0" * 10_000_000],
    ],
    ids=["a blank line first", "a line break in its first cell", "one long row", "a long name", "nothing at its end"],
)
def test_a_table_that_would_not_end_is_refused(spoiled, tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path)
    table = root / "Labels" / "labels_consensus.csv"
    table.write_text("\n".join(spoiled(table.read_text().splitlines())) + "\n")
    started = time.monotonic()
    with pytest.raises(
        DataError, match=r"labels_consensus\.csv: (its row \d has 10000\d\d cells|cannot be read as a comma)"
    ):
        read(root)
    assert time.monotonic() - started < 20  # pandas would take minutes


@pytest.mark.faults
def test_a_list_without_end_is_refused(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path)
    with (root / "Partitions.txt").open("w") as file:
        file.truncate(20 * 2**30)  # of holes
    with pytest.raises(DataError, match=r"Partitions\.txt: has 21474836480 bytes, more than any"):
        read(root)


@pytest.mark.faults
@pytest.mark.parametrize("name", ["Partitions.txt", "Labels/labels_consensus.csv"])
def test_a_disk_that_does_not_answer_is_told_with_the_file(name, tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path)
    (root / name).unlink(missing_ok=True)
    (root / name).symlink_to("/proc/self/mem")  # whose first byte is refused with EIO
    with pytest.raises(DataError, match=rf"{name}: cannot be read \(Input/output error\); give this user the right"):
        read(root)
