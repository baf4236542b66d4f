"""A confusion matrix as a picture."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure


def draw_confusion(confusion: Mapping[str, Any], path: Path) -> None:
    """Write `confusion_figure` as a PNG."""
    confusion_figure(confusion).savefig(path, dpi=120)


def confusion_figure(confusion: Mapping[str, Any]) -> Figure:
    """A row a true class, a column a predicted one; colours are shares of the row, numbers are sentences.

    confusion: `classes`, and `counts` as Categories.score gives them.
    """
    names, counts = confusion["classes"], np.array(confusion["counts"])
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    side = 1.5 + 0.6 * len(names)
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    place = figure.subplots()
    image = place.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    place.set_xticks(range(len(names)), names, rotation=45, ha="right")
    place.set_yticks(range(len(names)), names)
    place.set(xlabel="predicted", ylabel="true")
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if shares[row, column] > 0.5 else "black"
        place.text(column, row, str(count), ha="center", va="center", color=colour)
    figure.colorbar(image, label="share of the true class")
    return figure
