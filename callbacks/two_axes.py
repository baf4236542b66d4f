"""Points of many dimensions on two axes, for pictures.

Shapes: N points, D dimensions, M points shown.
"""

import numpy as np
from sklearn.manifold import TSNE

FEWEST = 4  # points that lie somewhere
PERPLEXITY = 30.0


def on_two_axes(points: np.ndarray, most: int, seed: int) -> tuple[np.ndarray, np.ndarray] | None:
    """t-SNE (van der Maaten & Hinton 2008) of at most so many points: which, (M,), and where they lie, (M, 2).

    points: (N, D). None where fewer than FEWEST of them are unlike, of which there is nothing to see.
    """
    shown = np.sort(np.random.default_rng(seed).permutation(len(points))[:most])
    if len(np.unique(points[shown], axis=0)) < FEWEST:
        return None
    perplexity = min(PERPLEXITY, (len(shown) - 1) / 3)
    return shown, TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(points[shown])
