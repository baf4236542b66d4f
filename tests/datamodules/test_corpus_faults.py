"""Planted faults of an MSP-Podcast folder: one sentence for each, and never a guess."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from datamodules.corpora.msp_podcast import read
from datamodules.corpus import Corpus, Problem, refuse_too_many
from datamodules.errors import DataError

pytestmark = pytest.mark.faults
SPLITS = {"Train": 6, "Development": 2, "Test1": 2}
FIRST = "MSP-PODCAST_0001_0000.wav"
SECOND = "MSP-PODCAST_0001_0001.wav"
DEVELOPMENT = "MSP-PODCAST_0001_0006.wav"


def cell(row: int, column: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(rows: pd.DataFrame) -> pd.DataFrame:
        rows = rows.astype(object)
        rows.loc[row, column] = value
        return rows

    return change


def twice(**changes: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The first row once more, with other values."""
    return lambda rows: pd.concat([rows, rows.iloc[:1].assign(**changes)])


# (what is done to the label table, the file named, the fault, the remedy, utterances that remain)
ROWS = {
    "unknown split": (
        cell(0, "Split_Set", "Tset"),
        FIRST,
        "its Split_Set is `Tset`",
        "write Train, Development or Test1, Test2 … in labels_consensus.csv",
        9,
    ),
    "empty split": (cell(0, "Split_Set", ""), FIRST, "its Split_Set is ``", "write Train", 9),
    "arousal out of range": (
        cell(0, "EmoAct", 7.5),
        FIRST,
        "its arousal is `7.5`, not a number from 1 to 7",
        "mend the label table",
        9,
    ),
    "valence zero": (cell(1, "EmoVal", 0), SECOND, "its valence is `0`, not", "mend the label table", 9),
    "dominance a word": (cell(1, "EmoDom", "high"), SECOND, "its dominance is `high`", "mend", 9),
    "infinite": (cell(1, "EmoDom", "inf"), SECOND, "its dominance is `inf`", "mend", 9),
    "test rating out of range": (
        cell(9, "EmoAct", -1),
        "MSP-PODCAST_0001_0009.wav",
        "its arousal is `-1`",
        "mend",
        9,
    ),
    "no rating in train": (
        cell(0, "EmoVal", ""),
        FIRST,
        "is in train without a rating of valence",
        "mend the label table",
        9,
    ),
    "no rating in development": (
        cell(6, "EmoDom", "NaN"),
        DEVELOPMENT,
        "is in development without a rating of dominance",
        "mend",
        9,
    ),
    "contradicting rows": (
        twice(EmoAct=3),
        FIRST,
        "is listed more than once with different values",
        "keep one of its rows in labels_consensus.csv",
        9,
    ),
    "in two splits": (
        twice(Split_Set="Test1"),
        FIRST,
        "is listed more than once with different",
        "keep one",
        9,
    ),
    "absolute path": (
        cell(0, "FileName", "/etc/passwd.wav"),
        "/etc/passwd.wav",
        "its path leaves the corpus folder",
        "write a plain file name",
        9,
    ),
    "path upwards": (
        cell(0, "FileName", "../../other/a.wav"),
        "../../other/a.wav",
        "its path leaves the corpus folder",
        "write a plain file name in labels_consensus.csv",
        9,
    ),
    "path upwards, hidden": (
        cell(0, "FileName", "a/../../b.wav"),
        "a/../../b.wav",
        "its path leaves the corpus folder",
        "write a plain file name",
        9,
    ),
    "no name": (
        cell(1, "FileName", " "),
        "labels_consensus.csv line 3",
        "has no file name",
        "name the file or remove the line",
        9,
    ),
    "missing audio": (
        cell(0, "FileName", "MSP-PODCAST_7777_0001.wav"),
        "MSP-PODCAST_7777_0001.wav",
        "is listed but is not a file below Audios/",
        "is labels_consensus.csv the table of another version?",
        9,
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_bad_row_is_left_out_and_told(tmp_path: Path, tiny: ModuleType, name: str) -> None:
    change, file, fault, remedy, remain = ROWS[name]
    root = tiny.write_corpus(tmp_path, SPLITS)
    tiny.write_labels(root, change(tiny.label_rows(SPLITS)))
    corpus = read(root)
    assert [problem.file for problem in corpus.problems] == [file]
    assert fault in corpus.problems[0].fault
    assert remedy in corpus.problems[0].remedy
    assert str(corpus.problems[0]) == f"{file}: {corpus.problems[0].fault}; {corpus.problems[0].remedy}"
    assert len(corpus) == remain
    assert file not in set(corpus.table["utterance_id"])


def test_identical_rows_count_once(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path, SPLITS)
    tiny.write_labels(root, twice()(tiny.label_rows(SPLITS)))
    corpus = read(root)
    assert len(corpus) == 10
    assert corpus.problems == ()
    assert corpus.notes == ("labels_consensus.csv: 1 identical rows more than once, used once",)


def test_one_name_in_two_folders(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path, SPLITS)
    tiny.write_wav(root / "Audios" / "more" / FIRST)
    tiny.write_wav(root / "Audio" / SECOND)
    corpus = read(root)
    assert {problem.file for problem in corpus.problems} == {FIRST, SECOND}
    for problem in corpus.problems:
        assert problem.fault == "occurs more than once below Audio/ and Audios/"
        assert problem.remedy == "keep one of the files"
    assert len(corpus) == 8
    assert corpus.notes == ()


def test_a_folder_named_like_a_file_and_a_broken_link_are_missing(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path, SPLITS)
    (root / "Audios" / FIRST).unlink()
    (root / "Audios" / FIRST).mkdir()
    (root / "Audios" / SECOND).unlink()
    (root / "Audios" / SECOND).symlink_to(tmp_path / "gone.wav")
    corpus = read(root)
    assert [problem.file for problem in corpus.problems] == [FIRST, SECOND]
    assert {problem.fault for problem in corpus.problems} == {"is listed but is not a file below Audios/"}


def test_few_missing_files_are_not_blamed_on_the_version(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path, {"Train": 150}, seconds=0.01)
    (root / "Audios" / FIRST).unlink()
    problem = read(root).problems[0]
    assert problem.remedy == "put it below Audios/ or remove its row from labels_consensus.csv"
    (root / "Audios" / SECOND).unlink()
    problems = read(root).problems
    assert len(problems) == 2
    assert problems[0].remedy.startswith("2 of 150 listed files are missing: is labels_consensus.csv the table of")


# Faults of the whole corpus


def table(text: str | bytes) -> Callable[[Path], None]:
    content = text.encode() if isinstance(text, str) else text
    return lambda root: (root / "Labels" / "labels_consensus.csv").write_bytes(content) and None


def without(*columns: str) -> Callable[[Path], None]:
    path = Path("Labels") / "labels_consensus.csv"
    return lambda root: pd.read_csv(root / path).drop(columns=list(columns)).to_csv(root / path, index=False)


def rename(old: str, new: str) -> Callable[[Path], None]:
    return lambda root: (root / old).rename(root / new) and None


def second_table(root: Path) -> None:
    shutil.copy(root / "Labels" / "labels_consensus.csv", root / "Labels" / "labels_concensus.csv")


def file_instead(root: Path) -> None:
    shutil.rmtree(root)
    root.write_text("a file")


HEADER = "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set\n"
NOTHING: Callable[[Path], None] = lambda root: None  # noqa: E731
# (what is done to the folder, where inside it the user points, reader options, what the sentence says)
WHOLE: dict[str, tuple[Callable[[Path], None], str, dict[str, str], list[str]]] = {
    "no folder": (shutil.rmtree, "", {}, ["there is no such folder", "set data.root"]),
    "a file": (file_instead, "", {}, ["is a file, not a folder", "set data.root"]),
    "no label folder": (
        rename("Labels", "Annotations"),
        "",
        {},
        [
            "no label table",
            "looked for labels_consensus.csv or labels_concensus.csv in Labels/",
            "set data.root",
        ],
    ),
    "no label table": (
        rename("Labels/labels_consensus.csv", "Labels/labels_detailed.csv"),
        "",
        {},
        ["no label table (looked for labels_consensus.csv", "or data.labels to the table"],
    ),
    "no audio folder": (
        rename("Audios", "Wav"),
        "",
        {},
        ["no audio folder (looked for Audios/ and Audio/)", "data.audio"],
    ),
    "two tables": (
        second_table,
        "",
        {},
        [
            "holds two label tables",
            "Labels/labels_concensus.csv and Labels/labels_consensus.csv",
            "data.labels=",
        ],
    ),
    "pointed at Audios": (NOTHING, "Audios", {}, ["Audios: is a folder inside the corpus", "to its parent"]),
    "pointed at Labels": (NOTHING, "Labels", {}, ["Labels: is a folder inside the corpus", "to its parent"]),
    "labels not there": (
        NOTHING,
        "",
        {"labels": "x.csv"},
        ["x.csv: there is no such label table", "data.labels"],
    ),
    "audio not there": (NOTHING, "", {"audio": "wav"}, ["wav: there is no such folder", "set data.audio"]),
    "missing columns": (
        without("EmoAct", "Split_Set"),
        "",
        {},
        [
            "labels_consensus.csv: no column EmoAct, Split_Set (found FileName, EmoClass, EmoVal",
            "set data.labels",
        ],
    ),
    "semicolons": (
        table(HEADER.replace(",", ";")),
        "",
        {},
        ["no column FileName", "(found FileName;EmoClass"],
    ),
    "zero bytes": (table(""), "", {}, ["labels_consensus.csv: the label table is empty", "fetch it again"]),
    "header only": (
        table(HEADER),
        "",
        {},
        ["labels_consensus.csv: the label table has no row", "fetch it again"],
    ),
    "a picture": (
        table(b"\x89PNG\r\n\x1a\n\xff\xfe"),
        "",
        {},
        ["cannot be read as a comma-separated", "fetch"],
    ),
    "an open quote": (
        table(HEADER + 'a.wav,"A'),
        "",
        {},
        ["cannot be read as a comma-separated", "fetch it again"],
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_corpus_that_cannot_be_read(tmp_path: Path, tiny: ModuleType, name: str) -> None:
    plant, inside, options, said = WHOLE[name]
    root = tiny.write_corpus(tmp_path / "corpus", SPLITS)
    plant(root)
    with pytest.raises(DataError) as raised:
        read(root / inside, **options)
    message = str(raised.value)
    assert message.startswith(str(tmp_path))
    assert "\n" not in message
    for part in said:
        assert part in message


@pytest.mark.parametrize("place", ["", "Audios", "Labels"])
def test_a_folder_that_may_not_be_listed(
    tmp_path: Path, tiny: ModuleType, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    root = tiny.write_corpus(tmp_path / "corpus", SPLITS)
    real = os.scandir

    def refusing(path: Path) -> object:  # root may list everything, so chmod would prove nothing
        if Path(path) == root / place:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(DataError, match=r"cannot be listed \(Permission denied\); give this user the right"):
        read(root)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_without_rights(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path / "corpus", SPLITS)
    (root / "Audios").chmod(0)
    try:
        with pytest.raises(DataError, match=r"Audios: cannot be listed"):
            read(root)
    finally:
        (root / "Audios").chmod(0o755)


def test_too_many_bad_files_are_refused(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path, SPLITS)
    (root / "Audios" / FIRST).unlink()
    corpus = read(root)
    refuse_too_many(corpus, 0.1)
    with pytest.raises(DataError, match=rf"1 of 10 files of msp_podcast .*data\.max_bad_files=0\.09.*{FIRST}"):
        refuse_too_many(corpus, 0.09)


def test_later_problems_are_remembered_with_the_first(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path, SPLITS)
    (root / "Audios" / FIRST).unlink()
    later: Corpus = read(root).without([Problem(SECOND, "is silent", "remove it")])
    assert [problem.file for problem in later.problems] == [FIRST, SECOND]
    assert len(later) == 8


def test_a_table_of_no_usable_row_has_a_problem_a_row_and_no_other(tmp_path: Path, tiny: ModuleType) -> None:
    root = tiny.write_corpus(tmp_path, SPLITS)
    rows = tiny.label_rows(SPLITS)
    tiny.write_labels(root, rows.assign(Split_Set="nowhere"))
    corpus = read(root)
    assert corpus.table.empty
    assert [problem.file for problem in corpus.problems] == rows["FileName"].tolist()
