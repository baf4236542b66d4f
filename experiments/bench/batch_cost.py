"""What it costs to bring chunks from the disk or the memory into batches, and to draw a pass's order.

Shapes: S sentences, C chunks, T frames, F bins.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from datamodules.batch import LABELED, ChunkIndex
from datamodules.datamodule import ChunkDataModule
from datamodules.pseudo_label_store import PseudoLabelStore
from datamodules.samplers import ChunkUniform, Natural, PassSampler, SentenceUniform
from datamodules.sentence_set import SentenceSet
from experiments.bench.rows import Row
from experiments.bench.simulated import fitted, labels_of, simulated_data
from experiments.bench.timing import in_turn
from experiments.config.composing import composed
from experiments.config.from_hydra import make_plan

CPU = torch.device("cpu")
SENTENCES_A_BATCH = 64
DRAWN = 600_000
"""Sentences of 11 chunks whose order is drawn: all of MSP-Podcast's pool and more."""
CLUSTERS = 50


def batch_costs(sentences: int, repeats: int) -> Iterator[Row]:
    """A row a way of storing features, measured in turn: all batches of a pass, normalised; disks are cached."""
    plan = make_plan(composed("model=temp_trans", "data.chunks.max_seconds=11"))
    table = {LABELED: labels_of(sentences)}
    told = fitted(plan, table[LABELED])
    data = simulated_data(plan, table, told)
    one = data.sets[LABELED]
    order = torch.randperm(sentences, generator=torch.Generator().manual_seed(0)).split(SENTENCES_A_BATCH)
    with tempfile.TemporaryDirectory() as place:
        ways = {
            "memory": _pass(data, one, order),
            "memory-mapped": _pass(data, _mapped(one, Path(place)), order),
            "a .npy a sentence": _pass_of_files(data, one, order, Path(place)),
        }
        found = in_turn(ways, repeats)
    chunks = sentences * one.num_chunks
    for name, took in found.items():
        yield {
            "what": f"chunks from {name}",
            **took.cells("ms a chunk", 1e3 / chunks),
            "times memory": took.median / found["memory"].median,
        }


def order_costs(repeats: int) -> Iterator[Row]:
    """A row a sampler: keeping the clusters of DRAWN sentences and drawing all batches of a pass by them."""
    for sampler in (SentenceUniform, ChunkUniform, Natural):
        took = in_turn({"order": _order(sampler, 11)}, repeats)["order"]
        yield {
            "what": f"{sampler.__name__}, {DRAWN:,} sentences",
            **took.cells("seconds a pass"),
        }


def _order(sampler: type[PassSampler], num_chunks: int) -> Callable[[], None]:
    labels = torch.randint(CLUSTERS, (DRAWN, num_chunks), generator=torch.Generator().manual_seed(0))

    def draw() -> None:
        store = PseudoLabelStore()
        store.update(LABELED, labels, CLUSTERS, 0)
        for _ in sampler(LABELED, DRAWN, num_chunks, store, SENTENCES_A_BATCH, 0, 0):
            pass

    return draw


def _pass(data: ChunkDataModule, one: SentenceSet, order: tuple[torch.Tensor, ...]) -> Callable[[], None]:
    places = one.places

    def gather() -> None:
        data.sets[LABELED] = one
        for ids in order:
            data.gather(ChunkIndex(LABELED, ids, places[ids]), CPU)

    return gather


def _mapped(one: SentenceSet, place: Path) -> SentenceSet:
    """The same set whose frames lie in a file."""
    file = place / "frames.f16"
    one.frames.numpy().tofile(file)
    frames = np.memmap(file, np.float16, "c", shape=tuple(one.frames.shape))
    return replace(one, frames=torch.from_numpy(frames))


def _pass_of_files(
    data: ChunkDataModule, one: SentenceSet, order: tuple[torch.Tensor, ...], place: Path
) -> Callable[[], None]:
    """As the released programs store features: an array a file, read, cut and normalised sentence by sentence."""
    for number, (offset, length) in enumerate(zip(one.offsets.tolist(), one.lengths.tolist(), strict=True)):
        np.save(place / f"{number}.npy", one.frames[offset : offset + length].numpy())
    mean, std = (term.numpy() for term in (data.front_end.mean, data.front_end.std))
    starts, window = one.starts.tolist(), one.window_frames

    def read() -> None:
        for ids in order:
            batch = []
            for number in ids.tolist():
                frames = (np.load(place / f"{number}.npy").astype(np.float32) - mean) / std
                batch.append(np.stack([frames[at : at + window] for at in starts[number]]))
            torch.from_numpy(np.stack(batch))

    return read
