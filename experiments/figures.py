"""Figures of finished runs and of tables: `python -m experiments.figures RUN_DIR … results/NAME/SCALE … results`.

They go into the folder `figures` of each, as PNG and PDF; what compares several runs goes into --output.
"""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from datamodules.allocator import keep_freed_memory
from experiments.console.log_lines import log_to_console
from experiments.console.user_errors import user_errors
from experiments.drawing.in_turn import drawn_in_turn
from experiments.drawing.of_runs import FIGURES, OF_SOUND, DrawnRun, draw_run, draw_together
from experiments.drawing.of_tables import BARS, draw_table, tables_below
from experiments.results.run_result import RunResult


def main(arguments: Sequence[str] | None = None) -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.figures", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = "a finished run's, a table's, or one that holds tables"
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help=what)
    parser.add_argument("--only", action="append", choices=[*FIGURES, BARS], help="default: all that there are")
    parser.add_argument("--without-audio", action="store_true", help=f"leave out {', '.join(OF_SOUND)}")
    parser.add_argument("--root", help="where the corpus lies, if not where it lay")
    parser.add_argument("--set", action="append", default=[], metavar="OPTION", help="as in store_root=/fast/stores")
    parser.add_argument("--output", type=Path, default=Path("figures"), help="folder of what compares several runs")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the runs of tables are (default: runs)")
    options = parser.parse_args(arguments)
    log_to_console()
    keep_freed_memory()
    with user_errors():
        names = [name for name in options.only or (*FIGURES, BARS) if not (options.without_audio and name in OF_SOUND)]
        of_runs = [name for name in names if name in FIGURES]
        found = {path: tables_below(path) for path in options.folders}
        corpus = (options.root, options.set)
        tables = [table for several in found.values() for table in several]
        runs = [DrawnRun(RunResult(path), *corpus) for path, below in found.items() if not below]
        draw = [partial(draw_table, one, one / "figures", options.runs, names, *corpus) for one in tables]
        draw += [partial(draw_run, one, of_runs, one.run.path / "figures") for one in runs]
        if len(runs) > 1 and "transitions" in names:
            draw.append(partial(draw_together, runs, options.output))
        for path in drawn_in_turn(draw):
            print(path, flush=True)


if __name__ == "__main__":
    main()
