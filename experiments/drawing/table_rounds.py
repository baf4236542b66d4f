"""How the rows of a table learnt, and whether their clusters were alive, round by round."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from datamodules.errors import DataError
from experiments.drawing.style import figure, look
from experiments.results.run_result import REMEDY, RunResult
from experiments.results.saved_task import task_of

Curve = tuple[str, str, str, pd.Series]
"""A panel, a row of the table, a run, and its values by pass."""
HEALTH = {"entropy": "evenness of the sizes", "nmi_to_previous": "NMI with the round before"}
ACROSS = 2  # panels beside each other


def draw_learning(runs: pd.DataFrame, root: Path) -> Figure | None:
    """Of each column the criterion on the development set, the mean of a row's trainings in a band of their range.

    runs: a table's runs.csv. root: where the runs lie; those that are not there are left out. None where all are.
    """
    return _panels(list(_learning(runs, root)))


def draw_health(runs: pd.DataFrame, root: Path) -> Figure | None:
    """Of each clustered set the evenness and the steadiness of a row's clusters, likewise.

    Both raise DataError where one of the runs is damaged.
    """
    return _panels(list(_health(runs, root)))


def _learning(runs: pd.DataFrame, root: Path) -> Iterator[Curve]:
    for line, run in _finished(runs, root):
        criterion = f"validation/{task_of(run).criterion}"
        history = run.history()
        if criterion not in history:
            raise DataError(f"{run.path / 'history.csv'}: has no {criterion}; {REMEDY}.")
        curve = history.set_index("pass")[criterion].dropna()
        panel = f"{line['attribute']} ({line['column']}): {criterion.removeprefix('validation/')}"
        yield panel, line["name"], line["run"], curve


def _health(runs: pd.DataFrame, root: Path) -> Iterator[Curve]:
    for line, run in _finished(runs, root):
        if (run.path / "clusters.csv").exists():
            for set_name, of_set in run.clusters().groupby("set"):
                for column, words in HEALTH.items():
                    yield f"{set_name}: {words}", line["name"], line["run"], of_set.set_index("pass")[column].dropna()


def _finished(runs: pd.DataFrame, root: Path) -> Iterator[tuple[pd.Series, RunResult]]:
    for _, line in runs[runs["run"].notna()].iterrows():
        run = RunResult(root / str(line["run"]))
        if run.done:
            yield line, run


def _panels(curves: list[Curve]) -> Figure | None:
    """Colours are the rows', the same in every panel."""
    curves = [one for one in curves if len(one[3])]  # a first clustering has none before it
    if not curves:
        return None
    names = list(dict.fromkeys(panel for panel, *_ in curves))
    rows = list(dict.fromkeys(row for _, row, *_ in curves))
    across = min(ACROSS, len(names))
    down = -(-len(names) // across)
    with figure(4.2 * across, 3.2 * down + 0.22 * len(rows)) as drawn:
        places = drawn.subplots(down, across, squeeze=False).flat
        for place, name in zip(places, names, strict=False):
            for number, row in enumerate(rows):
                _band(place, {run: one for panel, of, run, one in curves if (panel, of) == (name, row)}, number)
            passes = [one for panel, _, _, curve in curves if panel == name for one in curve.index]
            place.set(title=name, xlabel="pass", xlim=(min(passes) - 0.5, max(passes) + 0.5))
            place.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        for place in list(drawn.axes)[len(names) :]:
            place.remove()
        lines = [drawn.axes[0].plot([], [], **look(number), label=row)[0] for number, row in enumerate(rows)]
        drawn.legend(handles=lines, loc="outside upper center", ncols=min(len(rows), 2 * across), fontsize=8)
    return drawn


def _band(place: Axes, of_row: dict[str, pd.Series], number: int) -> None:
    """Runs of a row may have stopped at different passes."""
    if not of_row:
        return
    table = pd.DataFrame(of_row).sort_index()
    if table.empty:
        return
    place.plot(table.index, table.mean(axis=1), **look(number))
    if table.shape[1] > 1:
        low, high = (np.asarray(one, dtype=float) for one in (table.min(axis=1), table.max(axis=1)))
        place.fill_between(table.index, low, high, color=look(number)["color"], alpha=0.12, linewidth=0)
