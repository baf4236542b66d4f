"""Tiny MSP-Podcast folders on a disk, whole and with planted faults."""

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile


def write_wav(path: Path, seconds: float = 0.1, rate: int = 16_000, channels: int = 1, seed: int = 0) -> Path:
    """A file of soft noise; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(seed).normal(0, 0.1, (round(seconds * rate), channels))
    soundfile.write(path, samples, rate)
    return path


def label_rows(splits: dict[str, int]) -> pd.DataFrame:
    """A label table with `splits[name]` rows a split, all different."""
    names = [name for name, count in splits.items() for _ in range(count)]
    number = np.arange(len(names))
    return pd.DataFrame(
        {
            "FileName": [f"MSP-PODCAST_0001_{n:04d}.wav" for n in number],
            "EmoClass": [("A", "S", "H", "N", "X")[n % 5] for n in number],
            "EmoAct": 1 + number % 7,
            "EmoVal": (1 + (number + 2) % 7).astype(float),
            "EmoDom": 1 + (number + 4) % 7,
            "SpkrID": ["Unknown" if n % 4 == 3 else str(n % 4) for n in number],
            "Gender": ["Male" if n % 2 else "Female" for n in number],
            "Split_Set": names,
        }
    )


def write_corpus(
    root: Path,
    splits: dict[str, int] | None = None,
    audio_folder: str = "Audios",
    label_table: str = "Labels/labels_consensus.csv",
    seconds: float = 0.1,
) -> Path:
    """A corpus in the layout of MSP-Podcast: noise for every row of `label_rows(splits)`."""
    rows = label_rows(splits or {"Train": 6, "Development": 2, "Test1": 2})
    for seed, name in enumerate(rows["FileName"]):
        write_wav(root / audio_folder / name, seconds, seed=seed)
    write_labels(root, rows, label_table)
    return root


def write_labels(root: Path, rows: pd.DataFrame, label_table: str = "Labels/labels_consensus.csv") -> None:
    """(Over)write the label table."""
    (root / label_table).parent.mkdir(parents=True, exist_ok=True)
    rows.to_csv(root / label_table, index=False)
