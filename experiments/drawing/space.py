"""A test set's chunks in an encoder's space: on two axes, by cluster and by level; and what clusters hold.

Shapes: N chunks.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from callbacks.two_axes import on_two_axes
from datamodules.errors import DataError
from experiments.drawing.hidden import Hidden, rated
from experiments.drawing.style import COLOURS, MARKERS, figure

SHOWN = 2_000  # chunks of a t-SNE, which takes some seconds; more of them are a blot
TAUGHT = 20_000  # chunks of the probe
MARKED = len(COLOURS)


def draw_space(train: Hidden, test: Hidden, clusters: Tensor, seed: int) -> Figure:
    """t-SNE of h, by cluster on the left and by level of every attribute beside it.

    Figures 4 and 5 of Lin & Busso (2024). A linear probe's macro F1 stands above each: levels of the test set's
    chunks, told by logistic regression on Train's h [ours: standardised, fitted on Train].

    Raises DataError where embeddings are all alike.
    """
    found = on_two_axes(test.chunks(), SHOWN, seed)
    if found is None:
        raise DataError("too few of the test set's embeddings are unlike; look at the run's learning curves.")
    shown, flat = found
    attributes = rated(test)
    with figure(4.2 * (1 + len(attributes)), 4.4) as drawn:
        places = drawn.subplots(1, 1 + len(attributes), squeeze=False)[0]
        codes = clusters.flatten().numpy()[shown]
        _scatter(places[0], flat, codes, [f"cluster {number}" for number in range(int(codes.max()) + 1)])
        places[0].set_title(f"k-means of the test set, n = {len(shown)}", fontsize=10)
        for place, name in zip(places[1:], attributes, strict=True):
            levels, known = test.levels(name)
            _scatter(place, flat, known[shown], levels)
            f1, chance = probe(train, test, name, seed)
            place.set_title(f"{name}; linear probe F1 {f1:.3f} (chance {chance:.3f})", fontsize=10)
    return drawn


def _scatter(place: Axes, flat: np.ndarray, codes: np.ndarray, names: list[str]) -> None:
    for number, name in enumerate(names):
        of_it = codes == number
        place.scatter(
            flat[of_it, 0],
            flat[of_it, 1],
            s=16,
            alpha=0.6,
            linewidths=0,
            label=name,
            color=COLOURS[number % MARKED],
            marker=MARKERS[(number + number // MARKED) % MARKED],
        )
    place.scatter(flat[codes < 0, 0], flat[codes < 0, 1], s=4, color="0.8", linewidths=0)
    place.set_xticks([])
    place.set_yticks([])
    place.legend(fontsize=8, markerscale=1.5, ncols=5, loc="upper center", bbox_to_anchor=(0.5, -0.01))


def probe(train: Hidden, test: Hidden, attribute: str, seed: int) -> tuple[float, float]:
    """Macro F1 of the levels of the test set's chunks, and that of always telling Train's commonest level.

    NaN where Train has one level alone.
    """
    _, taught = train.levels(attribute)
    _, asked = test.levels(attribute)
    known = np.flatnonzero(taught >= 0)
    known = np.sort(np.random.default_rng(seed).permutation(known)[:TAUGHT])
    tested = asked >= 0
    if len(np.unique(taught[known])) < 2 or not tested.any():
        return np.nan, np.nan
    fitted = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(
        train.chunks()[known], taught[known]
    )
    commonest = np.full(int(tested.sum()), np.bincount(taught[known]).argmax())
    truth = asked[tested]
    present = np.unique(truth)
    f1, chance = (
        float(f1_score(truth, told, labels=present, average="macro", zero_division=0))
        for told in (fitted.predict(test.chunks()[tested]), commonest)
    )
    return f1, chance


def draw_attributes(test: Hidden, clusters: Tensor) -> Figure:
    """Mean and deviation of every attribute over the chunks of each cluster; clusters are ordered by the first one."""
    attributes, codes = rated(test), clusters.flatten().numpy()
    ratings = {name: test.table[name].to_numpy(float).repeat(clusters.shape[1]) for name in attributes}
    numbers = np.unique(codes)
    order = sorted(numbers, key=lambda number: np.nanmean(ratings[attributes[0]][codes == number]))
    with figure(max(5.0, 0.7 * len(order) + 2), 4.2) as drawn:
        place = drawn.subplots()
        for shift, (name, values) in enumerate(ratings.items()):
            means = [np.nanmean(values[codes == number]) for number in order]
            spread = [np.nanstd(values[codes == number]) for number in order]
            middle = np.arange(len(order)) + 0.2 * (shift - (len(ratings) - 1) / 2)
            look = {"color": COLOURS[shift], "marker": MARKERS[shift], "linestyle": ""}
            place.errorbar(middle, means, spread, capsize=2, label=name, **look)  # type: ignore[arg-type]
        counts = [int((codes == number).sum()) for number in order]
        place.set_xticks(
            range(len(order)), [f"{number}\nn = {count}" for number, count in zip(order, counts, strict=True)]
        )
        place.set(xlabel=f"cluster, by its {attributes[0]}", ylabel="mean ± deviation over chunks")
        place.legend(fontsize=9)
    return drawn
