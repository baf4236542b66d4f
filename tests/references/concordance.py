"""CCC from Lin (1989), in plain Python sums."""

from collections.abc import Sequence


def concordance(x: Sequence[float], y: Sequence[float]) -> float:
    """2 s_xy / (s_x^2 + s_y^2 + (mean_x - mean_y)^2) with all moments divided by n."""
    n = len(x)
    mean_x = sum(x) / n
    mean_y = sum(y) / n
    s_xy = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / n
    s_xx = sum((a - mean_x) ** 2 for a in x) / n
    s_yy = sum((b - mean_y) ** 2 for b in y) / n
    return 2 * s_xy / (s_xx + s_yy + (mean_x - mean_y) ** 2)
