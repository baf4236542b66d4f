"""Rows of a benchmark: printed as a Markdown table while they come, kept as results/bench/NAME-DATE.json."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import torch

from experiments.results.files import write_json
from experiments.training.environment import describe_environment

Row = Mapping[str, str | int | float | None]


def print_rows(name: str, rows: Iterable[Row], folder: Path, asked: Sequence[str]) -> Path:
    """Print each as it comes, for BENCHMARKS.md; returns the file that keeps them with the machine they are of.

    rows: column -> value; all have the columns of the first. asked: the words of the command. What is measured is kept
    row by row, and nothing that was measured before is lost.
    """
    kept: list[dict[str, str | int | float | None]] = []
    environment = describe_environment(torch.get_num_threads())
    del environment["seconds"]
    began = datetime.now().astimezone()
    told = {"date": began.isoformat(timespec="seconds"), "command": [*asked], "environment": environment}
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}-{began:%Y%m%d-%H%M%S}.json"
    for row in rows:
        if not kept:
            print(_line(row), _line(["---"] * len(row)), sep="\n")
        print(_line(map(_cell, row.values())), flush=True)
        kept.append(dict(row))
        write_json(file, {"rows": kept, **told})
    return file


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: str | int | float | None) -> str:
    """Three digits of a number, thousands apart; nothing of what was not measured."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"
    return f"{value:,}" if isinstance(value, int) else value
