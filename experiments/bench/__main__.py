"""What things cost here: `python -m experiments.bench`. Prints Markdown tables for BENCHMARKS.md.

chunks: a training step and an embedding, model by model. rounds: the second round of a training on simulated
sentences, by the program's own Trainer. kmeans: clustering a set's chunks. processes: a training of one round, from the
command to its end, and its most memory. batches: bringing chunks into batches, and orders: drawing those of a pass.
starts: what a user waits for. Figures are kept in results/bench/ as well.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import torch

from experiments.bench.batch_cost import batch_costs, order_costs
from experiments.bench.chunk_cost import chunk_costs, every_model
from experiments.bench.kmeans_cost import kmeans_costs
from experiments.bench.process_cost import process_costs
from experiments.bench.round_cost import round_costs
from experiments.bench.rows import Row, print_rows
from experiments.bench.start_cost import start_costs
from experiments.console.user_errors import user_errors
from experiments.training.exactness import calculate_exactly
from experiments.training.memory import keep_freed_memory

ROUNDS = ["model=temp_trans", "model=acg_emocluster"]
PROCESSES = ["model=temp_triplet"]
STARTS = "model=temp_trans"


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m experiments.bench", description=__doc__)
    parser.add_argument("what", choices=["chunks", "rounds", "kmeans", "processes", "batches", "orders", "starts"])
    parser.add_argument("overrides", nargs="*", help="options of one model to measure, as for experiments.run")
    parser.add_argument("--gpu", action="store_true", help="measure the GPU and not the processor")
    parser.add_argument("--sentences", type=int, default=8, help="of chunks: a batch; 11 chunks each")
    parser.add_argument("--labeled", type=int, default=200, help="of rounds, processes and batches: sentences of L")
    parser.add_argument("--unlabeled", type=int, default=400, help="of rounds and processes: sentences of U")
    parser.add_argument("--points", type=int, nargs="+", default=[165_000], help="of kmeans: chunks to cluster")
    parser.add_argument("--clusters", type=int, nargs="+", default=[10, 50], help="of kmeans")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--return-freed-memory", action="store_true", help="leave the C library as it is")
    options = parser.parse_args()
    if not options.return_freed_memory:
        keep_freed_memory()
    calculate_exactly()
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}\n")
    print(f"\n{print_rows(options.what, _rows(options), Path('results/bench'))}")


def _rows(options: argparse.Namespace) -> Iterator[Row]:
    device = torch.device("cuda" if options.gpu else "cpu")
    asked = [" ".join(options.overrides)] if options.overrides else None
    if options.what == "batches":
        return batch_costs(options.labeled, options.repeats)
    if options.what == "orders":
        return order_costs(options.repeats)
    if options.what == "starts":
        return start_costs(" ".join(options.overrides) or STARTS, options.repeats)
    if options.what == "kmeans":
        return kmeans_costs(options.points, options.clusters, options.repeats, device)
    if options.what == "chunks":
        return chunk_costs(asked or every_model(), options.sentences, options.repeats, device)
    if options.what == "processes":
        return process_costs(asked or PROCESSES, options.labeled, options.unlabeled)
    chosen = [f"{one} trainer=gpu" if options.gpu else one for one in asked or ROUNDS]
    return round_costs(chosen, options.labeled, options.unlabeled)


if __name__ == "__main__":
    with user_errors():
        main()
