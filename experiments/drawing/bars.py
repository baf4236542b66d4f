"""The numbers of a table's column as a figure."""

import numpy as np
from matplotlib.figure import Figure

from experiments.drawing.style import COLOURS, figure
from experiments.report.document import Measured

NAME = 38  # letters of a row's name, before it is cut


def draw_bars(measured: Measured) -> Figure:
    """A bar a row, the mean of its trainings with their deviation; a dot a training; a diamond what was published."""
    rows = list(reversed(measured.rows))
    with figure(7.5, 0.9 + 0.32 * len(rows)) as drawn:
        place = drawn.subplots()
        for height, (_, trials, published) in enumerate(rows):
            values = np.array([one for one in trials if one is not None])
            if len(values):
                spread = values.std(ddof=1) if len(values) > 1 else 0.0
                place.barh(height, values.mean(), xerr=spread, color=COLOURS[4], height=0.65, capsize=3)
                place.plot(values, np.full(len(values), height), "o", color=COLOURS[0], markersize=4)
            if published is not None:
                place.plot(published, height, "D", color=COLOURS[1], markersize=6)
        place.set_yticks(
            range(len(rows)), [name if len(name) <= NAME else name[: NAME - 1] + "…" for name, _, _ in rows]
        )
        place.set(xlabel=measured.title)
        place.grid(visible=False, axis="y")
        if any(published is not None for _, _, published in rows):
            place.plot([], [], "D", color=COLOURS[1], label="published")
            place.legend(fontsize=8)
    return drawn
