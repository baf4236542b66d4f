"""Learning curves of a run."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from datamodules.batch import LABELED
from experiments.drawing.style import MARKERS, figure, look
from experiments.results.best_pass import best_pass
from experiments.results.run_result import RunResult
from experiments.results.saved_task import task_of

NOT_LOSSES = ("pass", "set", "batches", "loss", "seconds", "k_at_bound")


def draw_curves(run: RunResult) -> Figure:
    """Losses of every pass, of L with circles and of U with squares; beside them the development set's scores.

    The pass whose model was kept is marked.
    """
    history, task = run.history(), task_of(run)
    best = best_pass(history, task)
    known = [str(name) for name in history if history[name].notna().any()]
    scores = [name for name in known if name.startswith("validation/")]
    losses = [name for name in known if name not in NOT_LOSSES and name not in scores]
    with figure(10, 3.8) as drawn:
        left, right = drawn.subplots(1, 2)
        _losses(left, history, losses)
        _scores(right, history, scores, f"validation/{task.criterion}")
        for place in (left, right):
            place.axvline(best, color="0.3", linestyle=":", linewidth=1.2)
            place.xaxis.set_major_locator(MaxNLocator(integer=True))
            place.set_xlabel("pass")
        kept = history.loc[history["pass"] == best, f"validation/{task.criterion}"].iloc[0]
        right.plot(best, kept, marker="*", markersize=15, color="#D55E00", zorder=5)
        right.set_title(f"kept: pass {best}, {task.criterion} {kept:.3f}")
    return drawn


def _losses(place: Axes, history: pd.DataFrame, names: list[str]) -> None:
    """A colour and a dash a loss, a marker a set."""
    for number, name in enumerate(names):
        for set_name, of_set in history.groupby("set"):
            known = of_set[of_set[name].notna()]
            if len(known):
                place.plot(
                    known["pass"],
                    known[name],
                    **look(number) | {"marker": MARKERS[0 if set_name == LABELED else 1]},
                    label=f"{name} ({set_name})",
                )
    place.set(title="training", ylabel="mean of the pass")
    place.legend(fontsize=8)


def _scores(place: Axes, history: pd.DataFrame, names: list[str], criterion: str) -> None:
    """The criterion in front."""
    for number, name in enumerate([criterion, *(one for one in names if one != criterion)]):
        known = history[history[name].notna()]
        place.plot(
            known["pass"],
            known[name],
            **look(number),
            alpha=1.0 if name == criterion else 0.6,
            label=name.removeprefix("validation/"),
        )
    place.set(ylabel="development set")
    place.legend(fontsize=8)
