"""EmoDB, the Berlin database of emotional speech, acted and German (Burkhardt et al. 2005)."""

import re
from collections.abc import Sequence
from pathlib import Path

from datamodules.corpus import Corpus
from datamodules.errors import DataError
from datamodules.reading.directories import entries
from datamodules.reading.named_emotions import corpus_of_names, misnamed
from datamodules.reading.sources import corpus_folder
from datamodules.reading.speaker_splits import split_leaving_out, split_of_lists

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


PUBLISHED = {
    "anger": 127,
    "boredom": 81,
    "disgust": 46,
    "fear": 69,
    "happiness": 71,
    "neutral": 79,
    "sadness": 62,
}


def read(
    root: str | Path,
    fold: int = 1,
    development_speakers: Sequence[str | int] | None = None,
    test_speakers: Sequence[str | int] | None = None,
    left_out: str | int | None = None,
) -> Corpus:
    """The utterances of EmoDB's `wav` folder (`root` is it or holds it), split by speaker; all others are
    train.

    fold: which of FOLDS; development_speakers and test_speakers replace the fold's. left_out: leave one speaker out
    instead: it tests, the next two in order develop.

    The version tells how much of the corpus is there, as `4 classes, 339 files`.

    Raises DataError when the folder cannot be used, when there is no such fold, when a speaker named is not there
    or is in both lists, when nobody is left to train on, or for left_out beside another choice of speakers; a file not
    named as EmoDB names its files becomes a Problem.
    """
    if type(fold) is not int or fold not in FOLDS:  # True is an int too
        raise DataError(f"data.corpus.fold={fold}: there is no such fold of EmoDB; take {', '.join(map(str, FOLDS))}.")
    if left_out is not None and (fold != 1 or development_speakers is not None or test_speakers is not None):
        raise DataError(
            f"data.corpus.left_out={left_out}: leaves one speaker out, and other options choose speakers too; leave "
            "out data.corpus.fold, development_speakers and test_speakers."
        )
    root = corpus_folder(root, "emodb")
    folder = root / "wav" if (root / "wav").is_dir() else root
    names = [entry.name for entry in entries(folder) if entry.name.lower().endswith(".wav")]
    matches = {name: match for name in names if (match := NAME.fullmatch(name))}
    if not matches:
        raise DataError(
            f"{folder}: no EmoDB file (looked for names like 03a01Fa.wav in it and in wav/); set data.root "
            "to the folder that holds wav/."
        )
    if left_out is not None:
        split = split_leaving_out(folder, sorted(GENDERS), _speaker(left_out))
    else:
        development, test = FOLDS[fold]
        split = split_of_lists(
            folder,
            {match["speaker"] for match in matches.values()},
            [_speaker(one) for one in (development if development_speakers is None else development_speakers)],
            [_speaker(one) for one in (test if test_speakers is None else test_speakers)],
        )
    rows = [
        {
            "utterance_id": name,
            "path": name,
            "split": split.get(match["speaker"], "train"),
            "speaker": match["speaker"],
            "gender": GENDERS.get(match["speaker"], "Unknown"),
            "emotion": EMOTIONS[match["emotion"].upper()],
        }
        for name, match in matches.items()
    ]
    others = [name for name in names if name not in matches]
    return corpus_of_names("emodb", folder, rows, PUBLISHED, misnamed(others, "EmoDB", "03a01Fa.wav"))


def _speaker(given: str | int) -> str:
    """A number in YAML or on the command line has lost its leading zero."""
    return str(given).zfill(2)
