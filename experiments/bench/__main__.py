"""What a chunk costs here: `python -m experiments.bench`. Prints a Markdown table for BENCHMARKS.md."""

import argparse

from experiments.bench.chunk_cost import every_model, print_costs
from experiments.console.user_errors import user_errors
from experiments.training.memory import keep_freed_memory


def main() -> None:
    """Measure every model, or what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m experiments.bench", description=__doc__)
    parser.add_argument("overrides", nargs="*", help="options of one model to measure, as for experiments.run")
    parser.add_argument("--sentences", type=int, default=8, help="a batch; 11 chunks each")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--return-freed-memory", action="store_true", help="leave the C library as it is")
    options = parser.parse_args()
    if not options.return_freed_memory:
        keep_freed_memory()
    chosen = [" ".join(options.overrides)] if options.overrides else every_model()
    print_costs(chosen, options.sentences, options.repeats)


if __name__ == "__main__":
    with user_errors():
        main()
