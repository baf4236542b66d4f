"""All tables and runs on one page for a browser: `python -m experiments.page`, or `make report`.

The page needs no network and no other file; its links lead to the runs' folders.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from experiments.console.log_lines import log_to_console
from experiments.console.user_errors import user_errors
from experiments.html.page import write_page


def main(arguments: Sequence[str] | None = None) -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.page", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", type=Path, default=Path("results"), help="where tables are (default: results)")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where runs are (default: runs)")
    parser.add_argument("--output", type=Path, default=Path("results/report.html"), help="the page to write")
    options = parser.parse_args(arguments)
    log_to_console()
    with user_errors():
        print(write_page(options.results, options.runs, options.output))


if __name__ == "__main__":
    main()
