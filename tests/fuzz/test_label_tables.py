"""Whatever a label table holds, its reader makes a corpus of it, or refuses it in one sentence."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from fuzz.forms import fuzz, result_or_sentence, short_and_long
from fuzz.mutations import as_json, changed_table, damaged, documents
from hypothesis import strategies as st

from datamodules.corpora import crema_d, librispeech, msp_podcast, omg_emotion, synthetic
from datamodules.corpus import COLUMNS, Corpus
from datamodules.errors import DataError
from datamodules.labels import ATTRIBUTES

pytestmark = pytest.mark.faults

MSP = ["FileName", "EmoClass", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Gender", "Split_Set"]
MSP_ROWS = [
    [f"MSP-PODCAST_0001_{number:04d}.wav", "A", "3.5", "2", "7.0", str(number % 3), "Male", split]
    for number, split in enumerate(["Train"] * 3 + ["Development", "Test1", "Test2"])
]
OMG = ["link", "start", "end", "video", "utterance", "EmotionMaxVote", "arousal", "valence"]
OMG_ROWS = [["http://x", "0", "1", "v1", f"utterance_{number}.mp4", "3", "0.25", "-0.5"] for number in range(3)]
SPEAKERS = b"; a comment\n1 | F | train-clean-100 | 3.1 | A B\n2 | M | dev-clean | 2 | C |D\n"
SIZES = {"train": 2, "development": 1, "test1": 1, "unlabeled": 1}


def table(header: list[str], rows: list[list[str]]) -> bytes:
    return "\n".join(",".join(row) for row in [header, *rows]).encode() + b"\n"


def tables(header: list[str], rows: list[list[str]]) -> st.SearchStrategy[bytes]:
    return st.one_of(changed_table(header, rows), damaged(table(header, rows)))


def require_a_corpus(read: Callable[[], Corpus]) -> None:
    """A valid one, or a sentence."""
    corpus = result_or_sentence(read)
    if corpus is None:
        return
    rows = corpus.table
    assert list(rows) == list(COLUMNS)
    assert rows["utterance_id"].is_unique
    assert all((corpus.root / path).is_file() for path in rows["path"])
    assert not rows["split"].isna().any()
    ratings = rows[list(ATTRIBUTES)]
    assert (ratings.isna() | ((ratings >= 1) & (ratings <= 7))).all(axis=None)
    assert not rows.loc[rows["split"].isin(["train", "development"]), "speaker"].isna().any()
    assert all(isinstance(word, str) for name in ("speaker", "gender", "emotion", "recording") for word in rows[name])
    assert all(str(problem) for problem in corpus.problems)


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


@pytest.fixture
def msp(tmp_path: Path) -> Path:
    touch(*(tmp_path / "Audios" / row[0] for row in MSP_ROWS), tmp_path / "Labels" / "labels_consensus.csv")
    return tmp_path


@short_and_long
def test_labels_of_msp_podcast(cases: int, msp: Path) -> None:
    def check(content: bytes) -> None:
        (msp / "Labels" / "labels_consensus.csv").write_bytes(content)
        require_a_corpus(lambda: msp_podcast.read(msp))

    good = table(MSP, MSP_ROWS)
    known = good, b"\0" + good, good.replace(b"FileName", b"c," * 10**6), b"x" * 10**7
    fuzz(cases, tables(MSP, MSP_ROWS), check, *known)


@short_and_long
def test_partitions_of_msp_podcast(cases: int, msp: Path) -> None:
    (msp / "Labels" / "labels_consensus.csv").write_bytes(table(MSP, MSP_ROWS[:4]))

    def check(content: bytes) -> None:
        (msp / "Partitions.txt").write_bytes(content)
        require_a_corpus(lambda: msp_podcast.read(msp))

    fuzz(cases, damaged(b"Test3; MSP-PODCAST_0001_0004.wav\nTrain; MSP-PODCAST_0001_0000.wav\n"), check)


@short_and_long
def test_tables_of_omg_emotion(cases: int, tmp_path: Path) -> None:
    sets = {"Train": "v1", "Validation": "v2", "Test": "v3"}
    for name, video in sets.items():
        rows = [[*row[:3], video, *row[4:]] for row in OMG_ROWS]
        (tmp_path / f"omg_{name}Videos.csv").write_bytes(table(OMG, rows))
        touch(*(tmp_path / "sound" / video / f"utterance_{number}.wav" for number in range(3)))

    def check(content: bytes) -> None:
        (tmp_path / "omg_TrainVideos.csv").write_bytes(content)
        require_a_corpus(lambda: omg_emotion.read(tmp_path))

    fuzz(cases, tables(OMG, OMG_ROWS), check)


@short_and_long
def test_actors_of_crema_d(cases: int, tmp_path: Path) -> None:
    header, rows = ["ActorID", "Age", "Sex"], [["1001", "51", "Male"], ["1002", "21", "Female"]]
    touch(*(tmp_path / "AudioWAV" / f"{actor}_DFA_ANG_XX.wav" for actor in (1001, 1002, 1050)))

    def check(content: bytes) -> None:
        (tmp_path / "VideoDemographics.csv").write_bytes(content)
        require_a_corpus(lambda: crema_d.read(tmp_path))

    fuzz(cases, tables(header, rows), check, b"ActorID,Sex\n1001,\n,Male\n1002,Female\n")


@short_and_long
def test_speakers_of_librispeech(cases: int, tmp_path: Path, recording: bytes) -> None:
    for name in ("train-clean-100/1/2/1-2-0001.flac", "dev-clean/2/3/2-3-0001.flac"):
        touch(tmp_path / "LibriSpeech" / name)
        (tmp_path / "LibriSpeech" / name).write_bytes(recording)

    def check(content: bytes) -> None:
        (tmp_path / "LibriSpeech" / "SPEAKERS.TXT").write_bytes(content)
        require_a_corpus(lambda: librispeech.read(tmp_path))

    fuzz(cases, damaged(SPEAKERS), check)


@short_and_long
def test_recipe_of_the_synthetic_corpus(cases: int, tmp_path: Path) -> None:
    root = tmp_path / "synthetic"
    synthetic.read(root, **SIZES)
    recipe = root / "synthetic.json"
    good = json.loads(recipe.read_text())

    def check(content: bytes) -> None:
        recipe.write_bytes(content)
        require_a_corpus(lambda: synthetic.read(root, **SIZES))

    fuzz(cases, documents(good), check, b"null", b"[[]]", as_json({**good, "version": "\0"}), b"[" * 100_000)


@pytest.mark.parametrize("place", ["pipe", "device", "folder"])
def test_what_is_no_file_in_a_label_tables_place(place: str, msp: Path) -> None:
    labels = msp / "Labels" / "labels_consensus.csv"
    labels.unlink()
    if place == "pipe":
        os.mkfifo(labels)
    elif place == "device":
        labels.symlink_to("/dev/zero")
    else:
        labels.mkdir()
    with pytest.raises(DataError, match=r"labels_consensus\.csv: is a (folder|pipe or a device) where"):
        msp_podcast.read(msp)
    with pytest.raises(DataError, match="there is no such label table"):
        msp_podcast.read(msp, labels=str(labels))


def test_a_table_beyond_all_bounds_is_not_read(msp: Path) -> None:
    with (msp / "Labels" / "labels_consensus.csv").open("r+b") as file:
        file.truncate(2**40)  # of nothing, which takes no room
    with pytest.raises(DataError, match="more than any such table"):
        msp_podcast.read(msp)
