"""What features cost, against the usual way: librosa.load and librosa.feature.melspectrogram."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import soundfile
import torch
from threadpoolctl import threadpool_limits

from datamodules.corpus import COLUMNS, Corpus
from datamodules.features.settings import FeatureSettings
from datamodules.fill_store import fill_store
from datamodules.synthetic.generator import generate
from experiments.bench.rows import Row
from experiments.bench.timing import in_turn

SECONDS = 2.75, 11.0
"""Of a recording, from and to: those of MSP-Podcast."""
RECORDINGS = 48
"""That are made; larger corpora repeat them."""
TIMES = 10
"""That each is read in one measurement of one thread: a corpus has thousands, and opens its store once."""


def extraction_costs(sentences: int, repeats: int) -> Iterator[Row]:
    """A row a format and way, one thread each, in turn; then rows of `sentences` by several processes."""
    with tempfile.TemporaryDirectory() as place, threadpool_limits(1):
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        wavs = _recordings(Path(place))
        for suffix in ("wav", "flac"):
            files = [_as(suffix, wav) for wav in wavs]
            yield from _of_one_thread(suffix, files, Path(place), repeats)
        yield from _of_processes(wavs, sentences, Path(place), repeats)
        torch.set_num_threads(threads)


def repeated(files: Sequence[Path], sentences: int, root: Path) -> Corpus:
    """A corpus of so many sentences that are these files over and over."""
    paths = [str(file.relative_to(root)) for file in files]
    named = {
        "utterance_id": [f"sentence-{number}" for number in range(sentences)],
        "path": [paths[number % len(paths)] for number in range(sentences)],
        "split": "unlabeled",
        "start_sample": 0,
        "stop_sample": -1,
    }
    return Corpus("bench", "1", root, "none", pd.DataFrame(named).reindex(columns=list(COLUMNS)))


def _of_one_thread(suffix: str, files: Sequence[Path], root: Path, repeats: int) -> Iterator[Row]:
    settings = FeatureSettings()
    files = TIMES * list(files)
    corpus = repeated(files, len(files), root)
    ways: dict[str, Callable[[], object]] = {
        "prepared": lambda: _prepare(corpus, settings, 1),
        "librosa": lambda: [_by_librosa(file, settings) for file in files],
        "decoding alone": lambda: [soundfile.read(file, dtype="float32") for file in files],
    }
    found = in_turn(ways, repeats)
    seconds_of_audio = sum(soundfile.info(file).duration for file in files)
    for name, took in found.items():
        yield {
            "what": f"{suffix}: {name}",
            **took.cells("ms a file", 1e3 / len(files)),
            "times real time": seconds_of_audio / took.median,
            "librosa takes so many times": found["librosa"].median / took.median,
        }


def _of_processes(files: Sequence[Path], sentences: int, root: Path, repeats: int) -> Iterator[Row]:
    """The start of processes, two seconds, among it."""
    corpus, settings = repeated(files, sentences, root), FeatureSettings()
    counts = [1, 2, 4, 8, 16]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    ways = {count: (lambda count=count: _prepare(corpus, settings, count)) for count in counts if count <= cores}
    found = in_turn({str(count): way for count, way in ways.items()}, repeats)
    for count, took in found.items():
        yield {
            "what": f"wav: {sentences:,} files by {count} processes",
            **took.cells("ms a file", 1e3 / sentences),
            "times real time": None,
            "librosa takes so many times": None,
        }


def _prepare(corpus: Corpus, settings: FeatureSettings, workers: int) -> None:
    """Everything that a preparation does: digests, checksums and the disk among it."""
    with tempfile.TemporaryDirectory() as store:
        fill_store(corpus, settings, Path(store), 0.0, workers, progress=False)


def _by_librosa(file: Path, settings: FeatureSettings) -> np.ndarray:
    samples, rate = librosa.load(file, sr=settings.sample_rate)
    return librosa.feature.melspectrogram(
        y=samples, sr=rate, n_fft=settings.n_fft, hop_length=settings.hop_length, n_mels=settings.num_mels
    )


def _recordings(place: Path) -> list[Path]:
    generate(place, {"unlabeled": RECORDINGS}, *SECONDS, seed=0)
    return sorted((place / "Unlabeled").glob("*.wav"))


def _as(suffix: str, wav: Path) -> Path:
    file = wav.with_suffix(f".{suffix}")
    if not file.exists():
        soundfile.write(file, *soundfile.read(wav, dtype="int16"))
    return file
