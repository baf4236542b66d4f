"""RAVDESS: 24 professional actors, acted and English (Livingstone & Russo 2018)."""

import re
from pathlib import Path

from datamodules.corpus import Corpus
from datamodules.errors import DataError
from datamodules.reading.named_emotions import basename, corpus_of_names, misnamed, wav_files
from datamodules.reading.sources import corpus_folder
from datamodules.reading.speaker_splits import deal, split_of_fold

# 03-01-EM-IN-ST-RP-AC.wav: audio alone, speech (02: song), emotion, intensity, statement, repetition, actor.
NAME = re.compile(r"(?P<modality>\d\d)-(?P<channel>0[12])-(?P<emotion>0[1-8])(-\d\d){3}-(?P<actor>\d\d)\.wav")
AUDIO, SPEECH = "03", "01"
EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}
PUBLISHED = {emotion: 96 if emotion == "neutral" else 192 for emotion in EMOTIONS.values()}  # of speech
ACTORS = [f"{number:02}" for number in range(1, 25)]
FOLDS = 5
FOLD_OF = deal([ACTORS[::2], ACTORS[1::2]], FOLDS)  # men have odd numbers


def read(root: str | Path, fold: int = 1, song: bool = False) -> Corpus:
    """The recordings below `root` that are sound alone, whatever folders they lie in; split by actor.

    fold: 1 to 5; its actors test, the next fold's develop. song: sung ones too. A distribution holds all files twice:
    one name is one utterance.

    Raises DataError when the folder cannot be used or there is no such fold; wav files of other names become Problems.
    """
    folder = corpus_folder(root, "ravdess")
    split = split_of_fold(folder, FOLD_OF, fold)
    found: dict[str, tuple[str, re.Match[str]]] = {}
    others, twice = [], 0
    for path in wav_files(folder):
        name = basename(path)
        match = NAME.fullmatch(name)
        if match is None or match["actor"] not in split:
            others.append(path)
        elif match["modality"] == AUDIO and (song or match["channel"] == SPEECH):
            twice += name in found
            found.setdefault(name, (path, match))
    if not found:
        raise DataError(
            f"{folder}: no RAVDESS recording (looked for names like 03-01-05-01-02-01-12.wav); set data.root to the "
            "folder that holds Actor_01/."
        )
    rows = [
        {
            "utterance_id": name,
            "path": path,
            "split": split[match["actor"]],
            "speaker": match["actor"],
            "gender": "Male" if int(match["actor"]) % 2 else "Female",
            "emotion": EMOTIONS[match["emotion"]],
        }
        for name, (path, match) in sorted(found.items())
    ]
    notes = [f"{twice} files are there twice and are taken once"] if twice else []
    problems = misnamed(others, "RAVDESS", "03-01-05-01-02-01-12.wav")
    return corpus_of_names("ravdess", folder, rows, {} if song else PUBLISHED, problems, notes)
