"""CREMA-D: 91 actors, acted and English (Cao et al. 2014)."""

import re
from pathlib import Path

from datamodules.corpus import Corpus
from datamodules.errors import DataError
from datamodules.reading.named_emotions import basename, corpus_of_names, misnamed, wav_files
from datamodules.reading.sources import corpus_folder
from datamodules.reading.speaker_splits import deal, split_of_fold
from datamodules.reading.tables import read_table

# 1001_DFA_ANG_XX.wav: actor, sentence, emotion, intensity.
NAME = re.compile(r"(?P<actor>\d{4})_[A-Z]{3}_(?P<emotion>ANG|DIS|FEA|HAP|NEU|SAD)_(LO|MD|HI|XX|X)\.wav")
EMOTIONS = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happiness",
    "NEU": "neutral",
    "SAD": "sadness",
}
PUBLISHED = {emotion: 1087 if emotion == "neutral" else 1271 for emotion in EMOTIONS.values()}
ACTORS = [str(number) for number in range(1001, 1092)]
FOLDS = 5
FOLD_OF = deal([ACTORS], FOLDS)
GENDERS = "VideoDemographics.csv"


def read(root: str | Path, fold: int = 1) -> Corpus:
    """The recordings below `root`, in AudioWAV/ or elsewhere, split by actor.

    fold: 1 to 5; its actors test, the next fold's develop. Actors' genders come from VideoDemographics.csv where that
    lies beside the recordings' folder or in it. One recording, 1076_MTI_SAD_XX.wav, is known to be empty.

    Raises DataError when the folder cannot be used or there is no such fold; wav files of other names become Problems.
    """
    folder = corpus_folder(root, "crema_d")
    split = split_of_fold(folder, FOLD_OF, fold)
    found: dict[str, tuple[str, re.Match[str]]] = {}
    others = []
    for path in wav_files(folder):
        match = NAME.fullmatch(basename(path))
        if match is None or match["actor"] not in split:
            others.append(path)
        else:
            found.setdefault(match[0], (path, match))
    if not found:
        raise DataError(
            f"{folder}: no CREMA-D recording (looked for names like 1001_DFA_ANG_XX.wav); set data.root to the folder "
            "that holds AudioWAV/."
        )
    genders = _genders(folder)
    rows = [
        {
            "utterance_id": name,
            "path": path,
            "split": split[match["actor"]],
            "speaker": match["actor"],
            "gender": genders.get(match["actor"], "Unknown"),
            "emotion": EMOTIONS[match["emotion"]],
        }
        for name, (path, match) in sorted(found.items())
    ]
    return corpus_of_names("crema_d", folder, rows, PUBLISHED, misnamed(others, "CREMA-D", "1001_DFA_ANG_XX.wav"))


def _genders(folder: Path) -> dict[str, str]:
    for place in (folder, folder.parent):
        if (place / GENDERS).is_file():
            table = read_table(place / GENDERS, "copy it again, or remove it")
            if not {"ActorID", "Sex"} <= set(table.columns):
                raise DataError(f"{place / GENDERS}: lacks the columns ActorID and Sex; copy it again, or remove it.")
            named = table[["ActorID", "Sex"]].dropna()
            return dict(zip(named["ActorID"].str.strip(), named["Sex"].str.strip(), strict=True))
    return {}
