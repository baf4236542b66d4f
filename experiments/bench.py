"""What a chunk costs here: `python -m experiments.bench`. Prints a Markdown table for BENCHMARKS.md.

Shapes: B sentences, C chunks, T = 62 frames, F = 128 mel bins.
"""

import argparse
import time
from collections.abc import Callable, Sequence

import torch
from hydra import compose, initialize_config_dir

from datamodules.batch import LABELED, ChunkBatch
from datamodules.chunking import ChunkSettings
from datamodules.features.settings import FeatureSettings
from datamodules.processes import Share
from experiments import CONF
from experiments.console import user_errors
from experiments.memory import keep_freed_memory
from experiments.models import new_model
from sermodels.module import EmotionModule

CHUNKS, FRAMES, MELS = 11, 62, 128
ABLATIONS = [
    "model=acg_emocluster model.kv_pool=8",
    "model=acg_emocluster spatial=acn_s",
    "model=acg_emocluster spatial=acn_l",
    "model=acg_emocluster combination=serial_chunks",
    "model=acg_emocluster recurrence=none",
]


def main() -> None:
    """Measure every model of conf/model as it is configured there and ACG's ablations, or what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m experiments.bench", description=__doc__)
    parser.add_argument("overrides", nargs="*", help="options of one model to measure, as for experiments.run")
    parser.add_argument("--sentences", type=int, default=8, help="a batch; 11 chunks each")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--return-freed-memory", action="store_true", help="leave the C library as it is")
    options = parser.parse_args()
    if not options.return_freed_memory:
        keep_freed_memory()
    every = [f"model={path.stem}" for path in sorted((CONF / "model").glob("*.yaml"))]
    chosen = [" ".join(options.overrides)] if options.overrides else every + ABLATIONS
    print(
        f"{torch.get_num_threads()} threads, torch {torch.__version__}, {options.sentences * CHUNKS} chunks a batch\n"
    )
    print("| options | parameters | precision | training step, ms a chunk | embedding, ms a chunk |")
    print("|---|---|---|---|---|")
    for overrides in chosen:
        for precision in ("fp32", "bf16"):
            model = make(overrides.split())
            size = sum(p.numel() for p in model.parameters())
            step, embedding = measure(model, precision == "bf16", options.sentences, options.repeats)
            print(f"| `{overrides}` | {size:,} | {precision} | {step:.1f} | {embedding:.1f} |", flush=True)


def make(overrides: Sequence[str]) -> EmotionModule:
    """The model that these options configure, for the papers' chunks."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("config", overrides=list(overrides))
    return new_model(cfg, FeatureSettings(), ChunkSettings()).to(memory_format=torch.channels_last)


def measure(model: EmotionModule, bf16: bool, sentences: int, repeats: int) -> tuple[float, float]:
    """Milliseconds a chunk of all losses and their gradients, and of the latents alone in evaluation."""
    batch = ChunkBatch(
        LABELED,
        torch.arange(sentences),
        torch.arange(CHUNKS).expand(sentences, -1),
        torch.randn(sentences, CHUNKS, FRAMES, MELS),
        torch.randn(sentences, len(model.attributes)),
        torch.randint(2, (sentences, CHUNKS)),
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

    chunks = sentences * CHUNKS
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


if __name__ == "__main__":
    with user_errors():
        main()
