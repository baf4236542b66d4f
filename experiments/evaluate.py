"""A trained model on test sets, its own or others: `python -m experiments.evaluate RUN_DIR [--data emodb --root …]`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from datamodules.allocator import keep_freed_memory
from experiments.config.saved import evaluation_data
from experiments.config.targets import read_corpus
from experiments.console.log_lines import log_to_console
from experiments.console.result_table import show_result
from experiments.console.user_errors import user_errors
from experiments.results.subject import evaluate, subject_of


def main(arguments: Sequence[str] | None = None) -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(prog="python -m experiments.evaluate", description=__doc__)
    parser.add_argument("model", type=Path, metavar="MODEL", help="a finished run's directory, or an authors' .pth.tar")
    parser.add_argument("--data", help="a corpus of conf/data (default: the run's own, with its options)")
    parser.add_argument("--root", help="where that corpus lies")
    parser.add_argument("--set", action="append", default=[], metavar="OPTION", help="as in data.corpus.fold=2")
    parser.add_argument(
        "--split", choices=["test", "all"], default="test", help="all: every rated sentence, as one set"
    )
    parser.add_argument("--norm-terms", type=Path, help="folder of the authors' norm terms, of a .pth.tar")
    parser.add_argument("--output", type=Path, help="folder of the evaluations (default: RUN_DIR/evaluations)")
    options = parser.parse_args(arguments)
    log_to_console()
    keep_freed_memory()
    with user_errors():
        subject = subject_of(options.model, options.norm_terms, options.output)
        plan = evaluation_data(subject.config, options.data, options.root, options.set)
        corpus = read_corpus("data.corpus", plan.corpus)
        show_result(
            *evaluate(subject, corpus, plan.store_root, plan.max_bad_files, plan.workers, options.split == "all")
        )


if __name__ == "__main__":
    main()
