"""OMG-Emotion: monologues from YouTube, rated by people; the official split (Barros et al. 2018)."""

import hashlib
import re
from collections import defaultdict
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from datamodules.corpus import COLUMNS, Corpus, Problem
from datamodules.errors import DataError
from datamodules.reading.directories import walk_files
from datamodules.reading.headers import SUFFIXES
from datamodules.reading.sources import corpus_folder
from datamodules.reading.tables import read_table

# By EmotionMaxVote.
EMOTIONS = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
# What tables and folders of a split have in their names.
SPLITS = {
    "train": ("train", "training"),
    "development": ("validation", "val", "dev", "development"),
    "test": ("test", "testing"),
}
# How its authors' tables begin.
OFFICIAL = {"train": "omg_train", "development": "omg_validation", "test": "omg_test"}
KEY = ["video", "utterance"]
LABELS = ["arousal", "valence", "emotionmaxvote"]
RANGES = {"arousal": (0.0, 1.0), "valence": (-1.0, 1.0), "emotionmaxvote": (0.0, len(EMOTIONS) - 1.0)}


def read(root: str | Path) -> Corpus:
    """The utterances that the tables below `root` list and whose sound is there, one file each, `video/utterance.wav`.

    omg_TrainVideos.csv, omg_ValidationVideos.csv and omg_TestVideos.csv, or others with such words in their names; one
    without labels is a set without ratings. Videos that are gone are left out and counted, and the version says how
    much there is. Arousal (0 to 1) and valence (-1 to 1) are brought to 1 to 7; a CCC is the same on both. A speaker is
    a video, which mostly shows one person.

    Raises DataError when the folder cannot be used or a table lacks; rows whose labels mean nothing, or that contradict
    each other, become Problems.
    """
    folder = corpus_folder(root, "omg_emotion")
    files = sorted(name for name, _ in walk_files(folder))
    sounds: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in files:
        path = PurePosixPath(name)
        if path.suffix.lower() in SUFFIXES:
            sounds[path.parent.name, path.stem].append(name)
    tables, problems, notes, listed = [], [], [], 0
    missing: list[str] = []
    for split in SPLITS:
        table, where, others = _table_of(folder, files, split)
        if others:
            notes.append(f"the {split} set is as {where} lists it, not as {', '.join(others)}")
        listed += len(table[KEY].drop_duplicates())
        table, nameless = _with_names(table, where)
        table, doubtful, twice = _without_doubtful(table)
        problems += [*nameless, *doubtful]
        if twice:
            notes.append(f"{twice} rows of {split} are listed twice and are taken once")
        paths = [_sound_of(sounds, split, *row) for row in table[KEY].itertuples(index=False)]
        here = np.array([path is not None for path in paths], dtype=bool)
        missing += [f"{video}/{utterance}" for video, utterance in table.loc[~here, KEY].itertuples(index=False)]
        tables.append(table.assign(path=pd.Series(paths, table.index, dtype=object), split=split)[here])
    found = pd.concat(tables, ignore_index=True)
    if found.empty:
        raise DataError(
            f"{folder}: none of the {listed} utterances listed has a sound file (looked for VIDEO/utterance_1.wav and "
            "other formats); extract the videos' sound first."
        )
    found, twofold = _of_one_split(found)
    problems += twofold
    shared = found.groupby("video")["split"].nunique()
    if (shared > 1).any():
        notes.append(f"{int((shared > 1).sum())} videos are in more than one split")
    notes.append(f"coverage: {len(found)} of {listed} listed utterances have sound")
    table = pd.DataFrame(
        {
            "utterance_id": found["path"],
            "path": found["path"],
            "split": found["split"],
            "speaker": found["video"],
            "gender": "Unknown",
            "recording": found["video"],
            "emotion": found["emotionmaxvote"].map(dict(enumerate(EMOTIONS))).fillna(""),
            "arousal": 1 + 6 * found["arousal"],
            "dominance": np.nan,
            "valence": 4 + 3 * found["valence"],
            "start_sample": 0,
            "stop_sample": -1,
        }
    )[list(COLUMNS)]
    return Corpus(
        name="omg_emotion",
        version=f"{len(found)} of {listed} utterances",
        root=folder,
        label_kind="human ratings",
        table=table,
        label_digest=hashlib.sha256(table.to_csv(index=False).encode()).hexdigest(),
        problems=tuple(problems),
        notes=tuple(notes),
        also_listed=tuple(missing),
    )


def _table_of(folder: Path, files: list[str], split: str) -> tuple[pd.DataFrame, str, list[str]]:
    """A split's table: video, utterance (less its suffix) and LABELS; its file, and others that it might have been.

    Of several one that is called as its authors call it, and of these one that has labels.
    """
    named = [one for one in files if one.lower().endswith(".csv")]
    fitting = [one for one in named if split in _splits_named((PurePosixPath(one).stem,))]
    read: list[tuple[bool, bool, str, pd.DataFrame]] = []
    for name in fitting:
        table = read_table(folder / name, "copy it again")
        table.columns = [str(column).strip().lower() for column in table.columns]
        if set(KEY) <= set(table.columns):
            official = PurePosixPath(name).stem.lower().startswith(OFFICIAL[split])
            read.append((not official, not set(LABELS) <= set(table.columns), name, table))
    if not read:
        raise DataError(
            f"{folder}: no table of the {split} set with the columns video and utterance (looked for csv files named "
            f"after {' or '.join(SPLITS[split])}, as omg_TrainVideos.csv is); put the corpus's tables there."
        )
    (*_, where, table), *others = sorted(read, key=lambda one: one[:3])
    labels = {name: _numbers_of(table[name]) if name in table else None for name in LABELS}
    utterances = table["utterance"].str.strip().map(lambda name: PurePosixPath(name).stem, na_action="ignore")
    told = pd.DataFrame({"video": table["video"].str.strip(), "utterance": utterances, **labels}, dtype=object)
    return told, where, [name for *_, name, _ in others]


def _numbers_of(cells: pd.Series) -> pd.Series:
    """Numbers; text where it is none, to be told; None where there is nothing."""
    text = cells.str.strip().replace("", None)
    numbers = pd.to_numeric(text, errors="coerce")
    return numbers.astype(object).where(numbers.notna(), text)


def _with_names(table: pd.DataFrame, where: str) -> tuple[pd.DataFrame, list[Problem]]:
    """Less rows that name no recording, each a Problem."""
    nameless = table[KEY].isna().any(axis=1) | (table[KEY] == "").any(axis=1)
    lines = [int(row) + 2 for row in np.flatnonzero(nameless)]  # the header is the first
    problems = [Problem(f"{where}, line {line}", "names no video or no utterance", "mend the table") for line in lines]
    return table[~nameless], problems


def _of_one_split(found: pd.DataFrame) -> tuple[pd.DataFrame, list[Problem]]:
    """Less recordings that several splits list, each a Problem: what is tested on must not have been trained on."""
    several = found["path"].duplicated(keep=False)
    problems = []
    for path, rows in found[several].groupby("path"):
        fault = f"is listed in {' and in '.join(rows['split'])}"
        problems.append(Problem(str(path), fault, "leave it in the table of one split"))
    return found[~several].reset_index(drop=True), problems


def _without_doubtful(table: pd.DataFrame) -> tuple[pd.DataFrame, list[Problem], int]:
    """Less rows that mean nothing or contradict others, each a Problem, and less repetitions, which are counted."""
    problems = []
    alike = table.drop_duplicates()
    contradicting = alike.duplicated(KEY, keep=False)
    for row in alike[contradicting].drop_duplicates(KEY).itertuples():
        fault = "is listed with different labels"
        problems.append(Problem(f"{row.video}/{row.utterance}", fault, "leave the right row in the table"))
    kept = alike[~contradicting]
    wrong = pd.Series(False, index=kept.index)
    numbers = {name: pd.to_numeric(kept[name], errors="coerce").astype(float) for name in LABELS}
    for name, (low, high) in RANGES.items():
        outside = kept[name].notna() & ~numbers[name].between(low, high)
        kind = ""
        if name == "emotionmaxvote":
            outside |= numbers[name] % 1 > 0
            kind = "a whole number from "
        for row in kept[outside].itertuples():
            fault = f"its {name} is `{getattr(row, name)}`, not {kind}{low:g} to {high:g}"
            problems.append(Problem(f"{row.video}/{row.utterance}", fault, "mend the table"))
        wrong |= outside
    return kept.assign(**numbers)[~wrong], problems, len(table) - len(alike)


def _sound_of(sounds: dict[tuple[str, str], list[str]], split: str, video: str, utterance: str) -> str | None:
    """The utterance's file; where a video is in several splits, the one in a folder that is named after this."""
    found = sounds.get((video, utterance), [])
    named = {one: _splits_named(PurePosixPath(one).parts[:-2]) for one in found}
    own = [one for one in found if split in named[one]]
    of_none = [one for one in found if not named[one]]
    return next(iter([*own, *of_none]), None)


def _splits_named(folders: tuple[str, ...]) -> set[str]:
    """The splits that folders, or tables, are named after: by whole words, for `interval` holds `val`."""
    words = {one.lower() for folder in folders for one in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", folder)}
    words |= {re.sub(r"(videos?|set|s)$", "", one) for one in words}
    return {split for split, names in SPLITS.items() if words & set(names)}
