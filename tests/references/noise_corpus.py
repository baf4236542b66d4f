"""A corpus of short noise on a disk, made without any reader."""

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from datamodules.corpus import COLUMNS, Corpus


def noise_corpus(root: Path, count: int, seconds: float = 0.1, split: str = "train") -> Corpus:
    """`count` utterances u0000.wav … of different noise, 16 kHz."""
    root.mkdir(parents=True, exist_ok=True)
    names = [f"u{n:04d}.wav" for n in range(count)]
    for seed, name in enumerate(names):
        samples = np.random.default_rng(seed).normal(0, 0.1, round(seconds * 16000))
        soundfile.write(root / name, samples, 16000)
    return corpus_of(root, names, split)


def corpus_of(root: Path, names: list[str], split: str = "train") -> Corpus:
    """The corpus of these files."""
    table = pd.DataFrame({"utterance_id": names, "path": names})
    table = table.assign(split=split, speaker="1", gender="", recording="", emotion="", start_sample=0, stop_sample=-1)
    table = table.assign(arousal=4.0, dominance=4.0, valence=4.0)
    return Corpus("noise", "1", root, "none", table[list(COLUMNS)])
