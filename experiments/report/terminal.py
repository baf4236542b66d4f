"""A table on the terminal, and how far its runs have come."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from experiments.report.analysis import Analysis
from experiments.report.runs import DONE, FAILED, TableRun, one_of_each
from experiments.report.sheet import Sheet, claims_sheet, main_sheet, title


def show_progress(name: str, runs: Sequence[TableRun], seconds: float | None) -> None:
    """How many runs are done, partial, failed and to do, and how long the rest may take."""
    distinct = one_of_each(runs)
    states = Counter(one.state for one in distinct)
    words = ", ".join(f"{count} {state}" for state, count in states.items())
    shared = f" for {len(runs)} cells" if len(distinct) < len(runs) else ""
    console = Console(highlight=False)
    console.print(f"{name}: {len(distinct)} runs{shared}: {words}", soft_wrap=True, markup=False)
    for one in distinct:
        if one.state == FAILED and one.run is not None:
            console.print(f"  failed: {one.cell.label}: {one.run.failed}", soft_wrap=True, markup=False)
    if states[DONE] < len(distinct):
        console.print(
            f"  about {_duration(seconds)}" if seconds is not None else "  no estimate: none of these was timed"
        )


def show_runs(runs: Sequence[TableRun]) -> None:
    """Every cell of a plan, and the run that fills it."""
    grid = Grid()
    for heading in ("row", "fidelity", "attribute", "trial", "state", "run"):
        grid.add_column(heading, no_wrap=heading == "run")
    for one in runs:
        cell = one.cell
        run = one.run.path.name if one.run else "named when its data are prepared"
        grid.add_row(cell.row, cell.fidelity, cell.attribute, str(cell.trial), one.state, escape(run))
    Console(highlight=False).print(grid)


def show_table(analysis: Analysis) -> None:
    """The numbers, and the claims."""
    console = Console(highlight=False)
    console.print(title(analysis), soft_wrap=True, markup=False)
    console.print(_grid(main_sheet(analysis)))
    if analysis.table.claims:
        console.print(_grid(claims_sheet(analysis)))


def _grid(sheet: Sheet) -> Grid:
    grid = Grid()
    for place, heading in enumerate(sheet.header):
        grid.add_column(escape(heading), justify="left" if place == 0 or not sheet.best else "right")
    for number, row in enumerate(sheet.rows):
        grid.add_row(
            *(
                f"[bold]{escape(text)}[/]" if (number, place) in sheet.best else escape(text)
                for place, text in enumerate(row)
            )
        )
    return grid


def _duration(seconds: float) -> str:
    """In the unit that people use for it.

    >>> _duration(90), _duration(4000), _duration(200_000)
    ('2 minutes', '1.1 hours', '2.3 days')
    """
    if seconds < 3600:
        minutes = max(1, round(seconds / 60))
        return f"{minutes} minute{'s' * (minutes > 1)}"
    return f"{seconds / 3600:.1f} hours" if seconds < 86_400 else f"{seconds / 86_400:.1f} days"
