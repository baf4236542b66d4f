"""What a chunk costs here: `python -m experiments.bench`. Prints a Markdown table for BENCHMARKS.md.

Shapes: B sentences, C chunks, T = 62 frames, F = 128 mel bins.
"""

import argparse
import time
from collections.abc import Callable

import torch

from experiments.memory import keep_freed_memory
from sermodels.acg_emocluster import ACGEmoCluster
from sermodels.deep_emocluster import DeepEmoCluster
from sermodels.module import EmotionModule

SENTENCES, CHUNKS = 8, 11
MODELS: dict[str, Callable[[], EmotionModule]] = {
    "deep_emocluster": DeepEmoCluster,
    "acg_emocluster, kv_pool 8": lambda: ACGEmoCluster(kv_pool=8),
    "acg_emocluster, kv_pool 4": ACGEmoCluster,
}


def main() -> None:
    """Measure every model, first with the C library's own way of handing memory back, then with ours."""
    parser = argparse.ArgumentParser(prog="python -m experiments.bench", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}, {SENTENCES * CHUNKS} chunks a batch\n")
    print("| model | precision | freed memory | training step, ms a chunk | embedding, ms a chunk |")
    print("|---|---|---|---|---|")
    for memory in ("returned", "kept"):
        if memory == "kept" and not keep_freed_memory():
            continue
        for name, make in MODELS.items():
            for precision in ("fp32", "bf16"):
                step, embedding = measure(make(), precision == "bf16", repeats)
                print(f"| {name} | {precision} | {memory} | {step:.1f} | {embedding:.1f} |", flush=True)


def measure(model: EmotionModule, bf16: bool, repeats: int) -> tuple[float, float]:
    """Milliseconds a chunk of forward and backward in training, and of the forward pass alone in evaluation."""
    model = model.to(memory_format=torch.channels_last)
    chunks = torch.randn(SENTENCES, CHUNKS, 62, 128)

    def step() -> None:
        model.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = model.regress(model.latents(chunks)).float().square().mean()
        loss.backward()

    @torch.no_grad()
    def embedding() -> None:
        model.eval()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            model.latents(chunks)

    return _milliseconds(step, repeats), _milliseconds(embedding, repeats)


def _milliseconds(work: Callable[[], None], repeats: int) -> float:
    """The best of `repeats`: whatever else the machine does only adds."""
    work()
    best = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best / (SENTENCES * CHUNKS) * 1e3


if __name__ == "__main__":
    main()
