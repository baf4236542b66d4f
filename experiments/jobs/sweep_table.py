"""A sweep's jobs as a table: summary.csv, and on the console."""

import csv
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from datamodules.names import harmless
from datamodules.whole_files import whole_file

SHOWN = 4  # scores of a set on the console; summary.csv has all


def write_summary(path: Path, jobs: list[dict[str, Any]]) -> None:
    """summary.csv: a row a job; a column for each option that was swept and for each score."""
    options = swept(jobs)
    names = list(dict.fromkeys(name for one in options for name in one))
    scores = list(dict.fromkeys(name for job in jobs for name in job.get("scores", {})))
    with whole_file(path) as draft, draft.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["job", "state", *names, *scores, "seconds", "directory", "reason"])
        for job, chosen in zip(jobs, options, strict=True):
            values = [*(chosen.get(name, "") for name in names), *(job.get("scores", {}).get(s, "") for s in scores)]
            row = [job["number"], job["state"], *values, job["seconds"], job["directory"], job["reason"]]
            writer.writerow(
                [harmless(cell) if isinstance(cell, str) and not _is_number(cell) else cell for cell in row]
            )


def _is_number(cell: Any) -> bool:
    try:
        float(cell)
    except (ValueError, TypeError):
        return False
    return True


def swept(jobs: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Of every job the options that are not the same for all; all of them where there is one job."""
    options = [dict(one.lstrip("+~").split("=", 1) for one in job["overrides"] if "=" in one) for job in jobs]
    if len(jobs) == 1:
        return options
    return [{k: v for k, v in one.items() if any(other.get(k) != v for other in options)} for one in options]


def _of_kind(scores: dict[str, float | None], kind: str) -> str:
    of_kind = [value for name, value in scores.items() if name.startswith(kind)][:SHOWN]
    return " ".join("not defined" if value is None else f"{value:.4f}" for value in of_kind)


def show(jobs: list[dict[str, Any]], directory: Path) -> None:
    """The sweep's jobs as a table."""
    table = Table(title=f"{len(jobs)} jobs", title_justify="left")
    for column in ("job", "state", "options", "validation", "test", "why"):
        table.add_column(column)
    for job, options in zip(jobs, swept(jobs), strict=True):
        scores = job.get("scores", {})
        parts = [_of_kind(scores, "validation"), _of_kind(scores, "test")]
        cells = (
            str(job["number"]),
            job["state"],
            " ".join(f"{k}={v}" for k, v in options.items()),
            *parts,
            job["reason"],
        )
        table.add_row(*map(escape, cells))
    console = Console(highlight=False)
    console.print(table)
    console.print(str(directory / "summary.csv"), soft_wrap=True, markup=False)
