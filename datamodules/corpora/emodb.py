"""EmoDB, the Berlin database of emotional speech, acted and German (Burkhardt et al. 2005)."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from datamodules.corpus import COLUMNS, Corpus, Problem
from datamodules.errors import DataError
from datamodules.reading.directories import entries, require_folder
from datamodules.reading.proxy_attributes import proxy_attributes

# 03a01Fa.wav: speaker 03, text a01, emotion F, version a.
NAME = re.compile(r"(?P<speaker>\d\d)[ab]\d\d(?P<emotion>[WLEAFTN])[a-z]?\.wav", re.IGNORECASE)
EMOTIONS = {
    "W": "anger",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "T": "sadness",
    "N": "neutral",
}
# Development and test speakers, a man and a woman each; nobody is tested twice.
FOLDS = {
    1: (("12", "14"), ("15", "16")),
    2: (("11", "13"), ("12", "14")),
    3: (("15", "16"), ("11", "13")),
}
GENDERS = {
    "03": "Male",
    "08": "Female",
    "09": "Female",
    "10": "Male",
    "11": "Male",
    "12": "Male",
    "13": "Female",
    "14": "Female",
    "15": "Male",
    "16": "Female",
}


def read(
    root: str | Path,
    fold: int = 1,
    development_speakers: Sequence[str | int] | None = None,
    test_speakers: Sequence[str | int] | None = None,
) -> Corpus:
    """The utterances of EmoDB's `wav` folder (`root` is it or holds it), split by speaker; all others are
    train.

    fold: which of FOLDS; development_speakers and test_speakers replace the fold's.

    The version tells how much of the corpus is there, as `4 classes, 339 files`.

    Raises DataError when the folder cannot be used, when there is no such fold, when a speaker named is not there
    or is in both lists, or when nobody is left to train on; a file not named as EmoDB names its files becomes a
    Problem.
    """
    if type(fold) is not int or fold not in FOLDS:  # True is an int too
        raise DataError(f"data.corpus.fold={fold}: there is no such fold of EmoDB; take {', '.join(map(str, FOLDS))}.")
    root = require_folder(root, "data.root")
    folder = root / "wav" if (root / "wav").is_dir() else root
    names = [entry.name for entry in entries(folder) if entry.name.lower().endswith(".wav")]
    matches = {name: match for name in names if (match := NAME.fullmatch(name))}
    if not matches:
        raise DataError(
            f"{folder}: no EmoDB file (looked for names like 03a01Fa.wav in it and in wav/); set data.root "
            "to the folder that holds wav/."
        )
    rows = [
        {"utterance_id": name, "speaker": match["speaker"], "emotion": EMOTIONS[match["emotion"].upper()]}
        for name, match in matches.items()
    ]
    table = pd.DataFrame([row | proxy_attributes(row["emotion"]) for row in rows])
    development, test = FOLDS[fold]
    split = _split_of_speakers(
        folder,
        set(table["speaker"]),
        development if development_speakers is None else development_speakers,
        test if test_speakers is None else test_speakers,
    )
    table = table.assign(
        path=table["utterance_id"],
        split=table["speaker"].map(split),
        recording="",
        gender=table["speaker"].map(GENDERS).fillna("Unknown"),
        start_sample=0,
        stop_sample=-1,
    )[list(COLUMNS)]
    return Corpus(
        name="emodb",
        version=f"{table['emotion'].nunique()} classes, {len(table)} files",
        root=folder,
        label_kind="proxy attributes",
        table=table,
        label_digest=hashlib.sha256(table.to_csv(index=False).encode()).hexdigest(),
        problems=tuple(
            Problem(name, "is not named as EmoDB names its files (03a01Fa.wav)", "rename it or move it away")
            for name in names
            if name not in matches
        ),
    )


def _split_of_speakers(
    folder: Path, speakers: set[str], development: Sequence[str | int], test: Sequence[str | int]
) -> dict[str, str]:
    # A number in YAML or on the command line has lost its leading zero.
    chosen = {
        "development": {str(speaker).zfill(2) for speaker in development},
        "test": {str(speaker).zfill(2) for speaker in test},
    }
    for name, members in chosen.items():
        if unknown := sorted(members - speakers):
            raise DataError(
                f"{folder}: has no speaker {', '.join(unknown)}; choose data.corpus.{name}_speakers among "
                f"{', '.join(sorted(speakers))}."
            )
    if both := sorted(chosen["development"] & chosen["test"]):
        raise DataError(
            f"{folder}: speaker {', '.join(both)} is in data.corpus.development_speakers and in "
            "data.corpus.test_speakers; leave each speaker in one of them."
        )
    split = dict.fromkeys(speakers, "train") | {
        speaker: name for name, members in chosen.items() for speaker in members
    }
    if "train" not in split.values():
        raise DataError(
            f"{folder}: every speaker is in development or test and nobody is left to train on; shorten "
            "data.corpus.development_speakers or data.corpus.test_speakers."
        )
    return split
