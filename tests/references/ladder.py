"""A ladder's combinator, one unit at a time (Rasmus et al. 2015, equation 2 and section 3.2)."""

import math


def combine(noisy: float, above: float, a: list[float]) -> float:
    """g(z̃, u) with the ten parameters a_1 … a_10."""
    mean = a[0] / (1 + math.exp(-(a[1] * above + a[2]))) + a[3] * above + a[4]
    scale = a[5] / (1 + math.exp(-(a[6] * above + a[7]))) + a[8] * above + a[9]
    return (noisy - mean) * scale + mean
