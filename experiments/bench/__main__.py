"""What things cost here: `python -m experiments.bench`. Prints Markdown tables for BENCHMARKS.md.

chunks: a training step and an embedding, model by model. rounds: the second round of a training on simulated
sentences, by the program's own Trainer. kmeans: clustering a set's chunks. processes: a training of one round, from the
command to its end, and its most memory. batches: bringing chunks into batches, and orders: drawing those of a pass.
starts: what a user waits for. extraction: features, against librosa. trainer: a pass in the Trainer, against a bare
loop. released: a step, against one as the authors' program takes it. attention: by the number of Attn-Conv blocks.
scale: the memory of larger and larger corpora. Figures are kept in results/bench/ as well, each call's in a file.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from datamodules.allocator import keep_freed_memory
from experiments.bench.attention_cost import attention_costs
from experiments.bench.batch_cost import batch_costs, order_costs
from experiments.bench.chunk_cost import chunk_costs, every_model
from experiments.bench.extraction_cost import extraction_costs
from experiments.bench.kmeans_cost import kmeans_costs
from experiments.bench.process_cost import process_costs
from experiments.bench.released_cost import released_costs
from experiments.bench.round_cost import round_costs
from experiments.bench.rows import Row, print_rows
from experiments.bench.scale_cost import scale_costs
from experiments.bench.start_cost import start_costs
from experiments.bench.trainer_cost import trainer_costs
from experiments.console.user_errors import user_errors
from experiments.training.exactness import calculate_exactly

ROUNDS = ["model=temp_trans", "model=acg_emocluster"]
MODEL = "model=temp_triplet"
"""Where one is measured: the cheapest of the temporal models, so what is around it weighs the most."""
STARTS = "model=temp_trans"
BENCHMARKS: dict[str, Callable[[argparse.Namespace, torch.device, list[str] | None], Iterator[Row]]] = {
    "chunks": lambda o, device, asked: chunk_costs(asked or every_model(), o.sentences, o.repeats, device),
    "rounds": lambda o, device, asked: round_costs(_on(device, asked or ROUNDS), o.labeled, o.unlabeled),
    "kmeans": lambda o, device, asked: kmeans_costs(o.points, o.clusters, o.repeats, device),
    "processes": lambda o, device, asked: process_costs(asked or [MODEL], o.labeled, o.unlabeled),
    "batches": lambda o, device, asked: batch_costs(o.labeled, o.repeats),
    "orders": lambda o, device, asked: order_costs(o.repeats),
    "starts": lambda o, device, asked: start_costs((asked or [STARTS])[0], o.repeats),
    "extraction": lambda o, device, asked: extraction_costs(o.labeled, o.repeats),
    "trainer": lambda o, device, asked: trainer_costs(_on(device, asked or [MODEL]), o.labeled, o.repeats),
    "released": lambda o, device, asked: released_costs((asked or [MODEL])[0], o.repeats),
    "attention": lambda o, device, asked: attention_costs(o.repeats),
    "scale": lambda o, device, asked: scale_costs(o.corpora),
}


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m experiments.bench", description=__doc__)
    parser.add_argument("what", choices=BENCHMARKS)
    parser.add_argument("overrides", nargs="*", help="options of one model to measure, as for experiments.run")
    parser.add_argument("--gpu", action="store_true", help="measure the GPU and not the processor")
    parser.add_argument("--sentences", type=_count, default=8, help="of chunks: a batch; 11 chunks each")
    parser.add_argument("--labeled", type=_count, default=200, help="sentences of L, or of all where no U is")
    parser.add_argument("--unlabeled", type=int, default=400, help="of rounds and processes: sentences of U")
    parser.add_argument("--points", type=_count, nargs="+", default=[165_000], help="of kmeans: chunks to cluster")
    parser.add_argument("--clusters", type=_count, nargs="+", default=[10, 50], help="of kmeans")
    parser.add_argument("--corpora", type=_count, nargs="+", default=[6_000, 60_000], help="of scale: sentences")
    parser.add_argument("--repeats", type=_count, default=3)
    parser.add_argument("--return-freed-memory", action="store_true", help="leave the C library as it is")
    options = parser.parse_intermixed_args()
    if min(options.points) < max(options.clusters):
        parser.error(f"--points {min(options.points)} cannot be put into --clusters {max(options.clusters)}")
    if options.gpu and not torch.cuda.is_available():
        parser.error("--gpu: PyTorch finds no CUDA GPU on this machine")
    if not options.return_freed_memory:
        keep_freed_memory()
    calculate_exactly()
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}\n")
    device = torch.device("cuda" if options.gpu else "cpu")
    asked = [" ".join(options.overrides)] if options.overrides else None
    rows = BENCHMARKS[options.what](options, device, asked)
    print(f"\n{print_rows(options.what, rows, Path('results/bench'), sys.argv[1:])}")


def _count(text: str) -> int:
    """A number of things to measure."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is none")
    return number


def _on(device: torch.device, models: list[str]) -> list[str]:
    return [f"{one} trainer=gpu" if device.type == "cuda" else one for one in models]


if __name__ == "__main__":
    with user_errors():
        main()
