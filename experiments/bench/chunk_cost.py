"""What a chunk costs here: milliseconds of a training step and of an embedding, model by model.

Shapes: B sentences, C chunks, T frames and F bins, of the model's features (62 x 128, or pieces of 32 x 512).
"""

import time
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch

from datamodules.batch import LABELED, ChunkBatch
from datamodules.labels import ATTRIBUTES, EMOTION
from datamodules.processes import Share
from experiments.config.building import build_model
from experiments.config.composing import choices, composed
from experiments.config.from_hydra import make_plan
from experiments.config.plan import RunPlan
from experiments.training.bf16 import processor_has_bf16
from sermodels.module import EmotionModule
from sermodels.parts import make as make_part
from sermodels.tasks.task import Task

NEEDED = {"frozen_classifier": "pretrained.weights=random"}
ABLATIONS = [
    "model=acg_emocluster encoder.kv_pool=8",
    "model=acg_emocluster encoder=parallel_acn_s",
    "model=acg_emocluster encoder=parallel_acn_l",
    "model=acg_emocluster encoder=acn_b temporal_net=bigru",
    "model=acg_emocluster encoder=acn_b",
]
PAPERS_CHUNKS = "data.chunks.max_seconds=11"


def every_model() -> list[str]:
    """Every model of conf/model as it is configured there, and ACG's ablations."""
    named = [f"model={name} {NEEDED.get(name, '')}".strip() for name in choices("model")]
    return [*named, *ABLATIONS]


def print_costs(chosen: Sequence[str], sentences: int, repeats: int) -> None:
    """A Markdown table for BENCHMARKS.md, a row a model and precision; `sentences` of 11 chunks are a batch.

    Of pieces, which cost a hundred times as much, a batch is one sentence. bf16 that this processor would only imitate
    is left out.
    """
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}\n")
    print("| options | parameters | chunks a batch | precision | training step, ms a chunk | embedding, ms a chunk |")
    print("|---|---|---|---|---|---|")
    for overrides in chosen:
        plan = make_plan(composed(PAPERS_CHUNKS, *overrides.split()))
        shape = shape_of(plan)
        batch = 1 if plan.data.features.frames_a_piece is not None else sentences
        for precision in ("fp32", "bf16") if processor_has_bf16() else ("fp32",):
            model = untrained(plan)
            size = sum(p.numel() for p in model.parameters())
            step, embedding = measure(model, precision == "bf16", batch, repeats, shape)
            row = (f"`{overrides}`", f"{size:,}", batch * shape[0], precision, f"{step:.1f}", f"{embedding:.1f}")
            print(f"| {' | '.join(map(str, row))} |", flush=True)


def shape_of(plan: RunPlan) -> tuple[int, int, int]:
    """C, T and F of a plan's sentences; of pieces, as many as the longest sentence has."""
    data = plan.data
    return data.chunks.num_chunks, data.chunks.window_frames(data.features), data.features.num_bins


def untrained(plan: RunPlan) -> EmotionModule:
    """The model of a plan, with some scale or classes."""
    task = make_part("task", plan.task, Task).fitted(_sentences(2), "the bench")
    return build_model(plan, {**plan.task, **task}).to(memory_format=torch.channels_last)


def _sentences(count: int) -> pd.DataFrame:
    """Labels to learn from, whatever the task reads of them."""
    number = np.arange(count)
    ratings = {name: 1.0 + number % 7 for name in ATTRIBUTES}
    return pd.DataFrame({**ratings, EMOTION: np.where(number % 2, "anger", "neutral")})


def measure(
    model: EmotionModule,
    bf16: bool,
    sentences: int,
    repeats: int,
    shape: tuple[int, int, int],
) -> tuple[float, float]:
    """Milliseconds a chunk of all losses and their gradients, and of the latents alone in evaluation.

    shape: C, T, F.
    """
    chunks_each = shape[0]
    batch = ChunkBatch(
        LABELED,
        torch.arange(sentences),
        torch.arange(chunks_each).expand(sentences, -1),
        torch.randn(sentences, *shape),
        model.task.encode(_sentences(sentences)),
        torch.randint(2, (sentences, chunks_each)),
        Share(0, sentences, sentences),
    )

    def step() -> None:
        model.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            losses = model.losses(batch)
        torch.stack(list(losses.values())).sum().backward()

    @torch.no_grad()
    def embedding() -> None:
        model.eval()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            model.latents(batch.chunks)

    chunks = sentences * chunks_each
    return _milliseconds(step, repeats) / chunks, _milliseconds(embedding, repeats) / chunks


def _milliseconds(work: Callable[[], None], repeats: int) -> float:
    """The best of `repeats`: whatever else the machine does only adds."""
    work()
    best = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best * 1e3
