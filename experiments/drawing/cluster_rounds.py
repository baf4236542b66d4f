"""Whether a run's clusters were alive, and what they were about, round by round."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from callbacks.cluster_health import FACTS
from experiments.drawing.style import figure, look
from experiments.results.run_result import RunResult


def draw_clusters(run: RunResult) -> Figure:
    """A row a set: sizes as shares of the whole; entropy and agreement with the round before; agreement with facts."""
    clusters = run.clusters()
    sets = sorted(clusters["set"].unique())
    with figure(12, 0.6 + 3.2 * len(sets)) as drawn:
        places = drawn.subplots(len(sets), 3, squeeze=False)
        for row, set_name in zip(places, sets, strict=True):
            of_set = clusters[clusters["set"] == set_name]
            _sizes(row[0], of_set)
            _alive(row[1], of_set)
            _meaning(row[2], of_set)
            row[0].set_title(f"{set_name}: sizes of the {of_set['clusters'].iloc[-1]} clusters")
            row[1].set_title(f"{set_name}: evenness and steadiness")
            row[2].set_title(f"{set_name}: what they agree with")
            for place in row:
                place.set_xlabel("pass")
                place.xaxis.set_major_locator(MaxNLocator(integer=True))
    return drawn


def _sizes(place: Axes, clusters: pd.DataFrame) -> None:
    """The largest below; clusters have no names that last, so each round is sorted."""
    sizes = [sorted(map(int, one.split()), reverse=True) for one in clusters["sizes"].astype(str)]
    shares = np.array([np.pad(one, (0, max(map(len, sizes)) - len(one))) / max(1, sum(one)) for one in sizes]).T
    greys = [str(0.25 + 0.6 * number / max(1, len(shares) - 1)) for number in range(len(shares))]
    below = np.zeros(shares.shape[1])
    for share, grey in zip(shares, greys, strict=True):
        place.bar(clusters["pass"], share, bottom=below, color=grey, edgecolor="white", linewidth=0.4, width=0.9)
        below += share
    empty = clusters[clusters["reseeded"] > 0]
    place.plot(empty["pass"], np.full(len(empty), 1.04), "v", color="#D55E00", label="some came out empty")
    if len(empty):
        place.legend(fontsize=8, loc="lower right")
    place.set(ylabel="share of the chunks", ylim=(0, 1.1))


def _alive(place: Axes, clusters: pd.DataFrame) -> None:
    curves = {"entropy of the sizes": "entropy", "NMI with the round before": "nmi_to_previous"}
    _plot(place, clusters, {name: column for name, column in curves.items() if clusters[column].notna().any()})


def _meaning(place: Axes, clusters: pd.DataFrame) -> None:
    """Adjusted, so that 0 is chance however many speakers or clusters there are."""
    columns = {one: f"ami_{one}" for one in FACTS if f"ami_{one}" in clusters}
    known = {one: column for one, column in columns.items() if clusters[column].notna().any()}
    _plot(place, clusters, known)
    place.set_ylabel("adjusted mutual information")


def _plot(place: Axes, clusters: pd.DataFrame, curves: dict[str, str]) -> None:
    for number, (name, column) in enumerate(curves.items()):
        place.plot(
            clusters["pass"],
            clusters[column],
            **look(number),
            label=name,
        )
    lowest = min([0.0, *(float(clusters[column].min()) for column in curves.values())])
    place.set_ylim(lowest - 0.02, 1.05)
    if curves:
        place.legend(fontsize=8)
