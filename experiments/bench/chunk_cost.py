"""What a chunk costs here: milliseconds of a training step and of an embedding, model by model.

Shapes: B sentences, C chunks, T frames and F bins, of the model's features (62 x 128, or pieces of 32 x 512).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from datamodules.batch import LABELED, ChunkBatch
from datamodules.processes import Share
from experiments.bench.rows import Row
from experiments.bench.simulated import fitted, labels_of
from experiments.bench.timing import best_of
from experiments.config.building import build_model
from experiments.config.composing import choices, composed
from experiments.config.from_hydra import make_plan
from experiments.config.plan import RunPlan
from experiments.training.bf16 import processor_has_bf16
from sermodels.module import EmotionModule

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


def chunk_costs(chosen: Sequence[str], sentences: int, repeats: int, device: torch.device) -> Iterator[Row]:
    """A row a model and precision; `sentences` of 11 chunks are a batch.

    Of pieces, which cost a hundred times as much, a batch is an eighth of the sentences. bf16 that this processor would
    only imitate is left out.
    """
    for overrides in chosen:
        plan = make_plan(composed(PAPERS_CHUNKS, *overrides.split()))
        shape = shape_of(plan)
        batch = max(1, sentences // 8) if plan.data.features.frames_a_piece is not None else sentences
        for precision in ("fp32", "bf16") if device.type == "cuda" or processor_has_bf16() else ("fp32",):
            model = untrained(plan).to(device)
            cost = measure(model, precision == "bf16", batch, repeats, shape)
            yield {
                "options": f"`{overrides}`",
                "parameters": sum(p.numel() for p in model.parameters()),
                "chunks a batch": batch * shape[0],
                "precision": precision,
                "training step, ms a chunk": cost.step,
                "embedding, ms a chunk": cost.embedding,
                "GPU GB": cost.device_gb,
            }


def shape_of(plan: RunPlan) -> tuple[int, int, int]:
    """C, T and F of a plan's sentences; of pieces, as many as the longest sentence has."""
    data = plan.data
    return data.chunks.num_chunks, data.chunks.window_frames(data.features), data.features.num_bins


def untrained(plan: RunPlan) -> EmotionModule:
    """The model of a plan, with some scale or classes."""
    return build_model(plan, fitted(plan, labels_of(2))).to(memory_format=torch.channels_last)


@dataclass(frozen=True)
class ChunkCost:
    """Milliseconds a chunk."""

    step: float
    """Of all losses and their gradients."""
    embedding: float
    """Of the latents alone, in evaluation."""
    device_gb: float | None
    """The most that a step held on a GPU."""


def chunk_batch(model: EmotionModule, sentences: int, shape: tuple[int, int, int]) -> ChunkBatch:
    """Labelled sentences of noise, on the model's device. shape: C, T, F."""
    chunks_each, device = shape[0], model.device
    return ChunkBatch(
        LABELED,
        torch.arange(sentences, device=device),
        torch.arange(chunks_each, device=device).expand(sentences, -1),
        torch.randn(sentences, *shape).to(device),
        model.task.encode(labels_of(sentences)).to(device),
        torch.randint(2, (sentences, chunks_each)).to(device),
        Share(0, sentences, sentences),
    )


def step_of(model: EmotionModule, batch: ChunkBatch, bf16: bool) -> Callable[[], None]:
    """All losses of a batch with their gradients, without the optimizers' steps."""

    def step() -> None:
        model.train()
        with torch.autocast(model.device.type, torch.bfloat16, enabled=bf16):
            losses = model.losses(batch)
        torch.stack(list(losses.values())).sum().backward()

    return step


def measure(model: EmotionModule, bf16: bool, sentences: int, repeats: int, shape: tuple[int, int, int]) -> ChunkCost:
    """What a chunk costs in a batch of so many sentences, on the model's device. shape: C, T, F."""
    device, batch = model.device, chunk_batch(model, sentences, shape)

    @torch.no_grad()
    def embedding() -> None:
        model.eval()
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            model.latents(batch.chunks)

    trained, embedded = (best_of(repeats, work, device) for work in (step_of(model, batch, bf16), embedding))
    chunks = sentences * shape[0]
    return ChunkCost(trained.seconds * 1e3 / chunks, embedded.seconds * 1e3 / chunks, trained.device_gb)
