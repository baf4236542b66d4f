"""Recordings of noise, and what `experiments.predict` writes of recordings."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from experiments.predict import main


def predicted(run: Path, output: Path, *arguments: Any) -> list[dict[str, str]]:
    """The rows of the CSV."""
    main(["--checkpoint", str(run), "--output", str(output), *map(str, arguments)])
    return list(csv.DictReader(output.open()))


def noise(path: Path, seconds: float, rate: int = 16_000, channels: int = 1, level: float = 0.1) -> Path:
    """A wav."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(0).normal(0, level, (round(seconds * rate), channels))
    soundfile.write(path, samples, rate)
    return path
