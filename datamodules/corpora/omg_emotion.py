"""OMG-Emotion: monologues from YouTube, rated by people; the official split (Barros et al. 2018)."""

import hashlib
from collections import defaultdict
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from datamodules.corpus import COLUMNS, Corpus, Problem
from datamodules.errors import DataError
from datamodules.reading.directories import walk_files
from datamodules.reading.headers import SUFFIXES
from datamodules.reading.sources import corpus_folder

# By EmotionMaxVote.
EMOTIONS = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
# What tables and folders of a split have in their names.
SPLITS = {"train": ("train",), "development": ("validation", "val", "dev"), "test": ("test",)}
KEY = ["video", "utterance"]
LABELS = ["arousal", "valence", "emotionmaxvote"]
RANGES = {"arousal": (0.0, 1.0), "valence": (-1.0, 1.0)}


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
        table, doubtful, twice = _without_doubtful(_table_of(folder, files, split))
        problems += doubtful
        listed += len(table)
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


def _table_of(folder: Path, files: list[str], split: str) -> pd.DataFrame:
    """A split's table: video, utterance (less its suffix) and LABELS. Of several, one that has labels."""
    named = [one for one in files if one.lower().endswith(".csv")]
    fitting = [one for one in named if any(word in PurePosixPath(one).stem.lower() for word in SPLITS[split])]
    read = []
    for name in fitting:
        try:
            table = pd.read_csv(folder / name, dtype=str)
        except (ValueError, OSError) as error:
            raise DataError(f"{folder / name}: cannot be read as a table ({error}); copy it again.") from error
        table.columns = [str(column).strip().lower() for column in table.columns]
        if set(KEY) <= set(table.columns):
            read.append(table)
    if not read:
        raise DataError(
            f"{folder}: no table of the {split} set with the columns video and utterance (looked for csv files named "
            f"after {' or '.join(SPLITS[split])}, as omg_TrainVideos.csv is); put the corpus's tables there."
        )
    table = max(read, key=lambda one: set(LABELS) <= set(one.columns))
    labels = {name: pd.to_numeric(table[name], errors="coerce") if name in table else np.nan for name in LABELS}
    return pd.DataFrame(
        {
            "video": table["video"].str.strip(),
            "utterance": table["utterance"].str.strip().map(lambda name: PurePosixPath(name).stem),
            **labels,
        }
    )


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
    for name, (low, high) in RANGES.items():
        outside = kept[name].notna() & ~kept[name].between(low, high)
        for row in kept[outside].itertuples():
            fault = f"its {name} is `{getattr(row, name):g}`, not {low:g} to {high:g}"
            problems.append(Problem(f"{row.video}/{row.utterance}", fault, "mend the table"))
        wrong |= outside
    return kept[~wrong], problems, len(table) - len(alike)


def _sound_of(sounds: dict[tuple[str, str], list[str]], split: str, video: str, utterance: str) -> str | None:
    """The utterance's file; where a video is in several splits, the one in a folder that is named after this."""
    found = sounds.get((video, utterance), [])
    named = {one: _splits_named(PurePosixPath(one).parts[:-2]) for one in found}
    own = [one for one in found if split in named[one]]
    of_none = [one for one in found if not named[one]]
    return next(iter([*own, *of_none]), None)


def _splits_named(folders: tuple[str, ...]) -> set[str]:
    """The splits that folders are named after."""
    return {split for split, words in SPLITS.items() for word in words for one in folders if word in one.lower()}
