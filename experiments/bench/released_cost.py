"""A training step as the authors' released program takes it, against ours: each in a process of its own, in turn.

The released program (Lin & Busso 2024) trains in fp32 on 704 chunks a batch, in PyTorch's own layout, with memory as
the C library gives it. The network is ours, which is theirs to the last weight.
"""

import time
from collections.abc import Iterator

import torch

from datamodules.allocator import keep_freed_memory
from experiments.bench.chunk_cost import chunk_batch, shape_of, step_of, untrained
from experiments.bench.own_process import apart
from experiments.bench.rows import Row
from experiments.bench.timing import Spread
from experiments.config.composing import composed
from experiments.config.from_hydra import make_plan
from experiments.training.bf16 import processor_has_bf16
from experiments.training.exactness import calculate_exactly
from sermodels import sliced_blocks

SENTENCES = 64
"""Of 11 chunks: 704 a batch."""
STEPS = 2
"""A process, after one that is not counted."""
WAYS = {"as released": (True, False), "ours, fp32": (False, False), "ours, bf16": (False, True)}


def released_costs(overrides: str, repeats: int) -> Iterator[Row]:
    """A row a way; bf16 where the processor has it."""
    ways = {name: way for name, way in WAYS.items() if not way[1] or processor_has_bf16()}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    memory = dict.fromkeys(ways, 0.0)
    for _ in range(repeats):
        for name, way in ways.items():
            one = apart(_seconds_a_step, overrides, *way)
            seconds[name].append(one.found)
            memory[name] = max(memory[name], one.peak_gb)
    found = {name: Spread.of(all_of) for name, all_of in seconds.items()}
    for name, took in found.items():
        chunks = SENTENCES * 11
        yield {
            "what": f"`{overrides}`, {chunks} chunks a batch, {name}",
            **took.cells("ms a chunk", 1e3 / chunks),
            "peak GB": memory[name],
            "times as fast as released": found["as released"].median / took.median,
        }


def _seconds_a_step(overrides: str, as_released: bool, bf16: bool) -> float:
    calculate_exactly()
    plan = make_plan(composed("data.chunks.max_seconds=11", *overrides.split()))
    model = untrained(plan)
    if as_released:
        model.to(memory_format=torch.contiguous_format)
        sliced_blocks.LARGE = SENTENCES * 11 + 1
    else:
        keep_freed_memory()
    step = step_of(model, chunk_batch(model, SENTENCES, shape_of(plan)), bf16)
    step()
    started = time.perf_counter()
    for _ in range(STEPS):
        step()
    return (time.perf_counter() - started) / STEPS
