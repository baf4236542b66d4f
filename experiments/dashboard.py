"""Comparison panels in Weights & Biases, as code: `python -m experiments.dashboard --entity TEAM --project emocluster`.

Writes the report and the saved view as JSON, without a network; `--push` saves them in the project, with your account.
Needs the extra: pip install -c constraints.txt -e '.[dashboard]'.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datamodules.errors import UserError
from experiments.console.log_lines import log_to_console
from experiments.console.user_errors import user_errors
from experiments.report.document import read_document
from experiments.results.files import write_json


def main(arguments: Sequence[str] | None = None) -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.dashboard",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--entity", required=True, help="the account or team that the project is of")
    parser.add_argument("--project", default="emocluster", help="as logger.project of the runs (default: emocluster)")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="runs whose scores are shown (default: runs)")
    parser.add_argument("--results", type=Path, default=Path("results"), help="where tables are (default: results)")
    parser.add_argument("--output", type=Path, default=Path("results"), help="folder for dashboard-*.json")
    parser.add_argument("--push", action="store_true", help="save both in Weights & Biases")
    options = parser.parse_args(arguments)
    log_to_console()
    with user_errors():
        try:
            from experiments.workspace.as_json import as_json, push
            from experiments.workspace.names import scores_of
            from experiments.workspace.views import report_of, workspace_of
        except ModuleNotFoundError as error:
            raise UserError(
                f"{error.name}: is not installed; pip install -c constraints.txt -e '.[dashboard]'."
            ) from None
        documents = [read_document(path) for path in sorted(options.results.rglob("table.json"))]
        scores = scores_of([options.runs])
        views: dict[str, Any] = {
            "report": report_of(options.entity, options.project, scores, documents),
            "workspace": workspace_of(options.entity, options.project, scores),
        }
        options.output.mkdir(parents=True, exist_ok=True)
        for name, view in views.items():
            write_json(options.output / f"dashboard-{name}.json", as_json(view))
            print(options.output / f"dashboard-{name}.json")
            if options.push:
                print(push(view))


if __name__ == "__main__":
    main()
