"""How often a sentence's chunks change their cluster.

Shapes: S sentences, C chunks.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from callbacks.agreement import transition_ratios
from experiments.drawing.hidden import Hidden
from experiments.drawing.style import COLOURS, figure

HATCHES = ("", "//", "..", "xx", "\\\\", "++", "oo", "--")


def draw_transitions(of_runs: Mapping[str, tuple[Hidden, Tensor]]) -> Figure:
    """Histograms of the ratio over the test sentences (figure 3 of Lin & Busso 2024), and its mean by duration.

    of_runs: by name, what to compare. The thin lines look at neighbours that do not overlap alone, whose changes no
    overlap hides.
    """
    with figure(10, 4) as drawn:
        left, right = drawn.subplots(1, 2)
        for number, (name, (hidden, clusters)) in enumerate(of_runs.items()):
            _histogram(left, transition_ratios(clusters).numpy(), clusters.shape[1], (number, len(of_runs)), name)
            _by_duration(right, hidden, clusters, number, name)
        left.set(xlabel="cluster transition ratio", ylabel="share of the test sentences", xticks=np.linspace(0, 1, 6))
        right.set(xlabel="duration, seconds", ylabel="mean ratio", ylim=(-0.02, 1.02))
        left.legend(fontsize=8)
        right.legend(fontsize=8)
    return drawn


def _histogram(place: Axes, values: np.ndarray, chunks: int, which: tuple[int, int], name: str) -> None:
    """One bar a value that there can be: 0/(C-1) … (C-1)/(C-1)."""
    number, of = which
    bars = np.arange(chunks) / max(1, chunks - 1)
    counts = np.bincount((values * (chunks - 1)).round().astype(int), minlength=chunks)
    width = 0.85 / max(1, chunks - 1) / of
    place.bar(
        bars + width * (number - (of - 1) / 2),
        counts / counts.sum(),
        width,
        color=COLOURS[number % len(COLOURS)],
        hatch=HATCHES[number % len(HATCHES)],
        edgecolor="white",
        label=f"{name}, mean {values.mean():.3f}, n = {len(values)}",
    )


def _by_duration(place: Axes, hidden: Hidden, clusters: Tensor, number: int, name: str) -> None:
    """Means of four equal parts of the sentences, from the shortest to the longest."""
    every, far = (transition_ratios(clusters, step).numpy() for step in (None, hidden.apart))
    order = np.argsort(hidden.seconds, kind="stable")
    parts = [part for part in np.array_split(order, 4) if len(part)]
    middles = [float(np.mean(hidden.seconds[part])) for part in parts]
    look = {"color": COLOURS[number % len(COLOURS)], "marker": "o"}
    place.plot(middles, [every[part].mean() for part in parts], label=name, **look)  # type: ignore[arg-type]
    known = [(middle, far[part]) for middle, part in zip(middles, parts, strict=True) if not np.isnan(far[part]).all()]
    place.plot(
        [middle for middle, _ in known],
        [np.nanmean(values) for _, values in known],
        linewidth=0.8,
        linestyle="--",
        label=f"{name}, neighbours that do not overlap",
        **look,  # type: ignore[arg-type]
    )
