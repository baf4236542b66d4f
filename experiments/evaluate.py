"""A finished run on its own or other test sets: `python -m experiments.evaluate RUN_DIR [--data emodb --root …]`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from experiments.config.from_hydra import saved_data_plan
from experiments.config.targets import read_corpus
from experiments.console.log_lines import log_to_console
from experiments.console.result_table import show_result
from experiments.console.user_errors import user_errors
from experiments.results.other_corpora import evaluate, finished_run
from experiments.training.memory import keep_freed_memory


def main(arguments: Sequence[str] | None = None) -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(prog="python -m experiments.evaluate", description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN_DIR")
    parser.add_argument("--data", help="a corpus of conf/data (default: the run's own)")
    parser.add_argument("--root", help="where that corpus lies")
    options = parser.parse_args(arguments)
    log_to_console()
    keep_freed_memory()
    with user_errors():
        run = finished_run(options.run)
        plan = saved_data_plan(run.config, options.data, options.root)
        corpus = read_corpus("data.corpus", plan.corpus)
        show_result(*evaluate(run, corpus, plan.name, plan.store_root, plan.max_bad_files, plan.workers))


if __name__ == "__main__":
    main()
