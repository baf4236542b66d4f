"""What a run predicted, against what is true."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from datamodules.errors import DataError
from datamodules.labels import SCALE
from experiments.drawing.style import COLOURS, figure
from experiments.report.concordance import Predictions
from experiments.report.speakers import drawn_scores, interval

MANY = 2_000  # sentences, from which on single points hide each other


def draw_predictions(predictions: pd.DataFrame, set_name: str) -> Figure:
    """A square an attribute: a point a sentence (or, of many, how many there are), the line where both agree, the CCC.

    predictions: as RunResult.predictions has them of attributes. The interval of the CCC is over speakers drawn anew.
    """
    if "attribute" not in predictions or not predictions["truth"].notna().any():
        raise DataError(f"{set_name} has no predictions of attributes that are rated; evaluate the run anew.")
    predictions = predictions[predictions["truth"].notna()]
    names = list(predictions["attribute"].unique())
    with figure(4.4 * len(names), 4.6) as drawn:
        places = drawn.subplots(1, len(names), squeeze=False)[0]
        for place, name in zip(places, names, strict=True):
            _attribute(place, predictions[predictions["attribute"] == name])
            place.set(xlabel=f"true {name}", ylabel=f"predicted {name}")
        drawn.suptitle(set_name)
    return drawn


def _attribute(place: Axes, rows: pd.DataFrame) -> None:
    found = Predictions.of_table(rows)
    low, high = min(SCALE[0], found.prediction.min()), max(SCALE[1], found.prediction.max())
    place.plot([low, high], [low, high], color="0.4", linewidth=1)
    if len(found.truth) > MANY:
        place.hexbin(found.truth, found.prediction, gridsize=40, cmap="Blues", bins="log", mincnt=1)
    else:
        place.scatter(found.truth, found.prediction, s=12, alpha=0.5, color=COLOURS[0], linewidths=0)
    place.set(aspect="equal", xlim=(low - 0.1, high + 0.1), ylim=(low - 0.1, high + 0.1))
    between = interval(*drawn_scores([found]))
    words = f"CCC {found.ccc:z.3f}"
    if between.speakers > 1:
        words += f" ({between.low:z.3f} to {between.high:z.3f}\nwith other speakers, of {between.speakers})"
    place.set_title(f"{words}, n = {len(found.truth)}", fontsize=9)
