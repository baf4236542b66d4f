"""SAVEE, Surrey's audio-visual expressed emotion: four men, acted and English (Haq & Jackson 2010)."""

import hashlib
import re
from pathlib import Path

import numpy as np

from datamodules.corpus import Corpus
from datamodules.errors import DataError
from datamodules.reading.named_emotions import basename, corpus_of_names, misnamed, wav_files
from datamodules.reading.sources import corpus_folder
from datamodules.reading.speaker_splits import split_leaving_out

SPEAKERS = ("DC", "JE", "JK", "KL")
# sa and su stand before the single letters, or sa01 would be read as none of them.
NAME = re.compile(r"(?P<emotion>sa|su|a|d|f|h|n)(?P<number>\d\d)\.wav", re.IGNORECASE)
FLAT = re.compile(rf"(?P<speaker>{'|'.join(SPEAKERS)})_(?P<name>\w+\.wav)", re.IGNORECASE)
EMOTIONS = {
    "a": "anger",
    "d": "disgust",
    "f": "fear",
    "h": "happiness",
    "n": "neutral",
    "sa": "sadness",
    "su": "surprise",
}
SENTENCES = {letter: 30 if letter == "n" else 15 for letter in EMOTIONS}  # of each speaker
PUBLISHED = {EMOTIONS[letter]: len(SPEAKERS) * count for letter, count in SENTENCES.items()}
SPLITS = 10
TESTED = 0.4  # Ashwin et al. 2016, whom Pereira et al. 2018 follow


def read(
    root: str | Path,
    speaker: str | None = None,
    split: int = 1,
    development: float = 0.2,
    left_out: str | None = None,
) -> Corpus:
    """The utterances below `root`, in `AudioData/DC/a01.wav` and the like or flat as `DC_a01.wav`.

    speaker: one of SPEAKERS alone, None takes all. split: 1 to 10; within each speaker and emotion 40 % test, drawn by
    this number, and of the others the share `development` develops. left_out: instead, one speaker tests, the next
    develops. A sentence's place depends on its name alone, whatever is missing.

    Raises DataError when the folder cannot be used or options mean nothing; wav files of other names become Problems.
    """
    _check(speaker, split, development, left_out)
    folder = corpus_folder(root, "savee")
    found: dict[str, tuple[str, str, str, str]] = {}
    others = []
    for path in wav_files(folder):
        parts = _parts(path)
        if parts is None:
            others.append(path)
        elif speaker in (None, parts[0]):
            # A nested AudioData/AudioData may hold all of it twice; the first in order is taken.
            found.setdefault(f"{parts[0]}_{parts[1]}{parts[2]}.wav", (path, *parts))
    if not found:
        raise DataError(
            f"{folder}: no SAVEE file{f' of {speaker}' if speaker else ''} (looked for AudioData/DC/a01.wav and "
            "DC_a01.wav); set data.root to the folder that holds AudioData/."
        )
    of_speakers = None if left_out is None else split_leaving_out(folder, SPEAKERS, left_out, 1)
    rows = [
        {
            "utterance_id": name,
            "path": path,
            "split": of_speakers[who] if of_speakers else _split_of(who, letter, int(number), split, development),
            "speaker": who,
            "gender": "Male",
            "emotion": EMOTIONS[letter],
        }
        for name, (path, who, letter, number) in sorted(found.items())
    ]
    return corpus_of_names("savee", folder, rows, PUBLISHED, misnamed(others, "SAVEE", "DC/a01.wav or DC_a01.wav"))


def _check(speaker: str | None, split: int, development: float, left_out: str | None) -> None:
    if speaker is not None and speaker not in SPEAKERS:
        raise DataError(f"data.corpus.speaker={speaker}: SAVEE has {', '.join(SPEAKERS)}; take one, or null for all.")
    if type(split) is not int or not 1 <= split <= SPLITS:
        raise DataError(f"data.corpus.split={split}: there are splits 1 to {SPLITS}.")
    if not 0 < development < 1:
        raise DataError(f"data.corpus.development={development}: set a share of the training part between 0 and 1.")
    if left_out is not None and (speaker is not None or split != 1):
        raise DataError(
            f"data.corpus.left_out={left_out}: leaves one speaker out of all; leave out data.corpus.speaker and split."
        )


def _parts(path: str) -> tuple[str, str, str] | None:
    """Speaker, letter and number of a file, or None."""
    name = basename(path)
    flat = FLAT.fullmatch(name)
    who = flat["speaker"] if flat else Path(path).parent.name
    match = NAME.fullmatch(flat["name"] if flat else name)
    if match is None or who.upper() not in SPEAKERS or int(match["number"]) < 1:
        return None
    return who.upper(), match["emotion"].lower(), match["number"]


def _split_of(speaker: str, letter: str, number: int, split: int, development: float) -> str:
    """By the place of the sentence's number in a permutation of all that there are of its speaker and emotion."""
    count = max(SENTENCES[letter], number)
    seed = int.from_bytes(hashlib.sha256(f"{split} {speaker} {letter}".encode()).digest()[:8], "little")
    place = int(np.flatnonzero(np.random.default_rng(seed).permutation(count) == number - 1)[0])
    tested = round(TESTED * count)
    developed = max(1, round(development * (count - tested)))
    return "test" if place < tested else "development" if place < tested + developed else "train"
