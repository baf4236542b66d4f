"""Divergences of Gaussians by drawing from them."""

import numpy as np


def kl_from_standard_normal(mean: np.ndarray, log_variance: np.ndarray, draws: int, seed: int) -> tuple[float, float]:
    """KL(N(mean, variance) || N(0, 1)) summed over dimensions, and its standard error, from log q(z) - log p(z)."""
    deviation = np.exp(0.5 * log_variance)
    z = mean + deviation * np.random.default_rng(seed).normal(size=(draws, len(mean)))
    log_q = -0.5 * (((z - mean) / deviation) ** 2 + log_variance + np.log(2 * np.pi)).sum(1)
    log_p = -0.5 * (z**2 + np.log(2 * np.pi)).sum(1)
    ratios = log_q - log_p
    return float(ratios.mean()), float(ratios.std() / np.sqrt(draws))
