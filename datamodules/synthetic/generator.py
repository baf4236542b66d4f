"""A made-up corpus in the layout of MSP-Podcast, for everybody who has no data and for the tests."""

import io
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from datamodules.synthetic.voice import CONTROL_RATE, SAMPLE_RATE, Speaker, draw_speaker, speak

VERSION = "1"  # raise it whenever the same arguments would give other audio or other labels
SPLIT_SETS = {
    "train": "Train",
    "development": "Development",
    "test1": "Test1",
    "test2": "Test2",
    "test3": "Test3",
}
POOL = "unlabeled"
SENTENCES_A_SPEAKER = 5
RATERS = 6
RATER_NOISE = 0.6  # standard deviation of one rater on the scale 1..7
SCALE = 1.1  # points on the scale 1..7 a unit of the latent emotion
THREADS = 2
SPEAKER, PLAN, VOICE, RATING = range(4)  # what a stream of random numbers is for


@dataclass(frozen=True)
class Utterance:
    """What is drawn before the first sample: who speaks, how long, and how it feels on average."""

    file: str
    split: str
    speaker_number: int
    speaker: Speaker
    seconds: float
    emotion: np.ndarray
    """Arousal, dominance and valence, 0 on average, standard deviation .85."""
    key: tuple[int, ...]
    """Seeds its randomness."""


def generate(
    root: Path,
    sizes: Mapping[str, int],
    min_seconds: float,
    max_seconds: float,
    seed: int,
) -> None:
    """Write a corpus below `root`: `sizes` sentences for each split of SPLIT_SETS and for the pool,
    `unlabeled`.

    Every split has speakers of its own. The ratings are means of RATERS noisy raters; those of Test3 are not
    handed out, as in MSP-Podcast. The same arguments give the same files; a larger split begins with the
    smaller one.
    """
    utterances = list(_draw(sizes, min_seconds, max_seconds, seed))
    for folder in ("Audios", "Labels", "Unlabeled"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(lambda utterance: _write_audio(root, utterance), utterances):
            pass
    labeled = [utterance for utterance in utterances if utterance.split != POOL]
    rated = [_label_row(utterance) for utterance in labeled if utterance.split != "test3"]
    pd.DataFrame(rated).to_csv(root / "Labels" / "labels_consensus.csv", index=False)
    (root / "Partitions.txt").write_text(
        "".join(f"{SPLIT_SETS[utterance.split]}; {utterance.file}\n" for utterance in labeled)
    )
    (root / "Speaker_ids.txt").write_text(
        "".join(f"{utterance.file}; {utterance.speaker_number}\n" for utterance in labeled)
    )


def _draw(sizes: Mapping[str, int], min_seconds: float, max_seconds: float, seed: int) -> Iterator[Utterance]:
    speaker_number = 0
    for place, split in enumerate((*SPLIT_SETS, POOL)):
        for index in range(sizes.get(split, 0)):
            turn = index % SENTENCES_A_SPEAKER
            if turn == 0:
                speaker_number += 1
                speaker = draw_speaker(_random((seed, place, index, SPEAKER)))
            key = (seed, place, index)
            rng = _random((*key, PLAN))
            prefix = "POOL" if split == POOL else "MSP-PODCAST"
            yield Utterance(
                file=f"{prefix}_{speaker_number:04d}_{turn + 1:04d}.wav",
                split=split,
                speaker_number=speaker_number,
                speaker=speaker,
                seconds=float(rng.uniform(min_seconds, max_seconds)),
                emotion=_draw_emotion(rng),
                key=key,
            )


def _random(key: tuple[int, ...]) -> np.random.Generator:
    """A stream for each thing drawn: an utterance is the same whichever others are made, in any order."""
    seed, *place = key
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(place)))


def _draw_emotion(rng: np.random.Generator) -> np.ndarray:
    """Arousal and dominance go together, as listeners hear them; valence follows arousal a little."""
    arousal, dominance, valence = rng.normal(0, 1, 3)
    mixed = np.array([arousal, 0.5 * arousal + 0.87 * dominance, 0.2 * arousal + 0.98 * valence])
    return np.clip(0.85 * mixed, -2, 2)


def _write_audio(root: Path, utterance: Utterance) -> None:
    rng = _random((*utterance.key, VOICE))
    steps = round(utterance.seconds * CONTROL_RATE)
    arousal, dominance, valence = (mean + _wander(steps, rng) for mean in utterance.emotion)
    audio = speak(utterance.speaker, arousal, dominance, valence, rng)
    folder = "Unlabeled" if utterance.split == POOL else "Audios"
    wav = io.BytesIO()  # of a disk that is full libsndfile says `System error`
    soundfile.write(wav, audio, SAMPLE_RATE, subtype="PCM_16", format="WAV")
    (root / folder / utterance.file).write_bytes(wav.getbuffer())


def _wander(steps: int, rng: np.random.Generator) -> np.ndarray:
    """How an emotion moves about its mean within a sentence: by about .35, over about a second."""
    window = np.hanning(CONTROL_RATE)
    path = np.convolve(rng.normal(0, 1, steps + len(window) - 1), window / np.linalg.norm(window), "valid")
    return 0.35 * (path - path.mean())


def _label_row(utterance: Utterance) -> dict[str, object]:
    rng = _random((*utterance.key, RATING))
    raters = rng.normal(4 + SCALE * utterance.emotion, RATER_NOISE, (RATERS, 3))
    arousal, dominance, valence = np.clip(np.round(raters), 1, 7).mean(axis=0).round(4)
    return {
        "FileName": utterance.file,
        "EmoClass": _emotion_letter(*utterance.emotion),
        "EmoAct": arousal,
        "EmoVal": valence,
        "EmoDom": dominance,
        "SpkrID": utterance.speaker_number,
        "Gender": "Female" if utterance.speaker.pitch > 150 else "Male",
        "Split_Set": SPLIT_SETS[utterance.split],
    }


def _emotion_letter(arousal: float, dominance: float, valence: float) -> str:
    """The nearest of MSP-Podcast's letters: neutral, happy, angry, afraid or sad."""
    if max(abs(arousal), abs(valence)) < 0.5:
        return "N"
    if valence > 0:
        return "H"
    if arousal < 0:
        return "S"
    return "A" if dominance > 0 else "F"
