"""Whether the size of a corpus is bounded by the disk alone: the memory that each step takes of larger and larger ones.

Shapes: S sentences, C chunks, N frames, F bins, D dimensions of an embedding.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile
import torch

from callbacks.kmeans import faiss_kmeans
from datamodules import large_tensors
from datamodules.batch import UNLABELED
from datamodules.features.settings import FeatureSettings
from datamodules.fill_store import fill_store
from datamodules.pseudo_label_store import PseudoLabelStore
from datamodules.samplers import SentenceUniform
from datamodules.sentence_set import SentenceSet
from experiments.bench.extraction_cost import repeated
from experiments.bench.kmeans_cost import DIMENSIONS, ITERATIONS
from experiments.bench.own_process import apart
from experiments.bench.rows import Row
from experiments.bench.simulated import fitted, labels_of, simulated_data
from experiments.config.composing import composed
from experiments.config.from_hydra import make_plan

SHORT = 0.3
"""Seconds of a sentence that is prepared, so that 600,000 of them find room on a disk."""
ALIKE = 1000
"""Sentences that are written again and again: what lies in a file does not change how long it takes to read."""
FRAMES, CHUNKS, CLUSTERS = 376, 11, 50
"""Of a sentence of 6 s that is gathered and clustered."""


def scale_costs(sizes: Sequence[int]) -> Iterator[Row]:
    """A row a step and number of sentences, each in a process of its own."""
    steps: dict[str, Callable[[int, Path], float]] = {
        f"preparing sentences of {SHORT} s": _prepare,
        "drawing and gathering all batches of a pass from the disk": _gather,
        "clustering embeddings that lie in memory": _cluster,
        "clustering embeddings that lie on the disk": _cluster_from_disk,
    }
    for name, step in steps.items():
        for count in sizes:
            with tempfile.TemporaryDirectory() as place:
                one = apart(step, count, Path(place))
            yield {
                "what": name,
                "sentences": count,
                "seconds": one.found,
                "own memory, GB": one.own_gb,
                "with mapped files, GB": one.peak_gb,
            }


def _prepare(sentences: int, place: Path) -> float:
    rng = np.random.default_rng(0)
    files = [place / f"{number}.wav" for number in range(100)]
    for file in files:
        soundfile.write(file, rng.normal(0, 0.1, round(SHORT * 16_000)), 16_000)
    started = time.perf_counter()
    fill_store(repeated(files, sentences, place), FeatureSettings(), place / "stores", 0.0, progress=False)
    return time.perf_counter() - started


def _gather(sentences: int, place: Path) -> float:
    """Of a file of noise that lies on the disk; how much of it in the disk's memory is the system's choice."""
    plan = make_plan(composed("model=temp_trans", "data.chunks.max_seconds=11"))
    features, chunks = plan.data.features, plan.data.chunks
    table = labels_of(sentences)
    told = fitted(plan, table)
    data = simulated_data(plan, {UNLABELED: table.head(2)}, told)
    shape = sentences * FRAMES, features.num_bins
    noise = torch.randn(min(sentences, ALIKE) * FRAMES, features.num_bins).half().numpy()
    with (place / "frames.f16").open("wb") as file:
        for first in range(0, sentences, ALIKE):
            file.write(noise[: min(ALIKE, sentences - first) * FRAMES].data)
        os.fsync(file.fileno())
    frames = np.memmap(place / "frames.f16", np.float16, "r+", shape=shape)
    lengths = torch.full((sentences,), FRAMES)
    data.sets[UNLABELED] = SentenceSet(
        UNLABELED,
        table,
        torch.from_numpy(frames),
        torch.arange(sentences) * FRAMES,
        lengths,
        torch.full((sentences, 1), torch.nan),
        chunks.starts(lengths, features),
        chunks.window_frames(features),
    )
    started = time.perf_counter()
    store = PseudoLabelStore()
    generator = torch.Generator().manual_seed(0)
    store.update(UNLABELED, torch.randint(CLUSTERS, (sentences, CHUNKS), generator=generator), CLUSTERS, 0)
    for index in SentenceUniform(UNLABELED, sentences, CHUNKS, store, 64, 0, 0):
        data.gather(index, torch.device("cpu"))
    return time.perf_counter() - started


def _cluster(sentences: int, place: Path) -> float:
    return _clustered(sentences, place)


def _cluster_from_disk(sentences: int, place: Path) -> float:
    large_tensors.free_memory = lambda: 0
    return _clustered(sentences, place)


def _clustered(sentences: int, place: Path) -> float:
    """All points of a set, written batch by batch as its embeddings are."""
    started = time.perf_counter()
    points = large_tensors.large_tensor((sentences * CHUNKS, DIMENSIONS), torch.float32, place)
    generator = torch.Generator().manual_seed(0)
    for part in points.split(CHUNKS * 64):
        part.normal_(generator=generator)
    faiss_kmeans(points, CLUSTERS, ITERATIONS, 0)
    return time.perf_counter() - started
