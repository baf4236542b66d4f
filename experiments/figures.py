"""Figures of finished runs: `python -m experiments.figures RUN_DIR …`; of several also one that compares them.

Each run's go into RUN_DIR/figures as PNG and PDF, what compares them into --output.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from experiments.console.log_lines import log_to_console
from experiments.console.user_errors import user_errors
from experiments.drawing.of_runs import FIGURES, OF_SOUND, DrawnRun, draw_run, draw_together
from experiments.results.run_result import RunResult
from experiments.training.memory import keep_freed_memory


def main(arguments: Sequence[str] | None = None) -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.figures", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN_DIR", help="a finished run's directory")
    parser.add_argument("--only", action="append", choices=FIGURES, help="default: all that there are of the run")
    parser.add_argument("--without-audio", action="store_true", help=f"leave out {', '.join(OF_SOUND)}")
    parser.add_argument("--root", help="where the corpus lies, if not where it lay")
    parser.add_argument("--set", action="append", default=[], metavar="OPTION", help="as in store_root=/fast/stores")
    parser.add_argument("--output", type=Path, default=Path("figures"), help="folder of what compares several runs")
    options = parser.parse_args(arguments)
    log_to_console()
    keep_freed_memory()
    with user_errors():
        names = [name for name in options.only or FIGURES if not (options.without_audio and name in OF_SOUND)]
        several = [DrawnRun(RunResult(path), options.root, options.set) for path in options.runs]
        written = [path for one in several for path in draw_run(one, names, one.run.path / "figures")]
        if len(several) > 1 and "transitions" in names:
            written += draw_together(several, options.output)
        for path in written:
            print(path)


if __name__ == "__main__":
    main()
