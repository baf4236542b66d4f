"""Plots of runs: scores as bars with deviations, curves, clusters."""

from collections.abc import Sequence
from typing import Any

import wandb_workspaces.reports.v2 as wr

from experiments.workspace.names import CLUSTERS, CURVES

WIDTH, HEIGHT = 12, 8  # of 24 columns


def _places(count: int) -> list[wr.Layout]:
    return [wr.Layout(x=WIDTH * (number % 2), y=HEIGHT * (number // 2), w=WIDTH, h=HEIGHT) for number in range(count)]


def score_panels(scores: Sequence[str], option: str) -> list[Any]:
    """A bar a value of the option: the mean over runs, with their standard deviation."""
    return [
        wr.BarPlot(
            title=score,
            metrics=[wr.SummaryMetric(score)],
            groupby=wr.Config(option),
            groupby_aggfunc="mean",
            groupby_rangefunc="stddev",
            layout=place,
        )
        for score, place in zip(scores, _places(len(scores)), strict=True)
    ]


def curve_panels(names: Sequence[str] = CURVES, option: str | None = None) -> list[Any]:
    """A curve a run, or of each value of an option the mean with the deviation."""
    grouped: dict[str, Any] = {} if option is None else {"groupby": wr.Config(option), "groupby_rangefunc": "stddev"}
    return [
        wr.LinePlot(title=name, x="Step", y=[wr.Metric(name)], layout=place, **grouped)
        for name, place in zip(names, _places(len(names)), strict=True)
    ]


def cluster_panels() -> list[Any]:
    """Whether clusters are alive, and what they agree with."""
    return curve_panels(CLUSTERS)
