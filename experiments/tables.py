"""The papers' tables, and controls of our own: `python -m experiments.tables temporal_3 --scale tiny`.

Trains what is missing, then writes results/NAME/SCALE/: table.md .tex .json, values.csv, comparisons.csv, runs.csv.
Options after the name go to every run (data.root=… trainer=gpu), those of Hydra to its launcher
(hydra/launcher=submitit_slurm). Interrupt it at will; the same command goes on.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.config.command_line import check_command_line
from experiments.config.composing import choices
from experiments.console.log_lines import log_to_console
from experiments.console.user_errors import user_errors
from experiments.report.definition import table_names
from experiments.report.grid import FIDELITIES
from experiments.report.making import ALL, RESULTS, Request, encoders_of, make_tables


def main(arguments: Sequence[str] | None = None) -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.tables", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="+", metavar="NAME | OPTION", help=f"{ALL}, or {', '.join(table_names())}")
    parser.add_argument("--scale", default="full", choices=choices("scale"), help="conf/scale says what each is")
    parser.add_argument("--fidelity", choices=FIDELITIES, help="default: each table's own")
    parser.add_argument("--attribute", action="append", default=[], help="one of the table's; default: the scale's")
    parser.add_argument("--trials", type=int, help="trainings of every cell, at most the scale's")
    parser.add_argument(
        "--encoder",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="a checkpoint that rows go on with, by the name that the table calls it",
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="where tables go")
    parser.add_argument("--plan", action="store_true", help="say what there is and what is missing; train nothing")
    parsed = parser.parse_intermixed_args(arguments)
    names = [one for one in parsed.names if "=" not in one]
    options = tuple(one for one in parsed.names if "=" in one)
    log_to_console()
    with user_errors():
        check_command_line(options)
        encoders = encoders_of(parsed.encoder)
        attributes = tuple(parsed.attribute)
        request = Request(parsed.scale, parsed.fidelity, parsed.trials, attributes, options, encoders, parsed.results)
        sys.exit(make_tables(names, request, parsed.plan))


if __name__ == "__main__":
    main()
