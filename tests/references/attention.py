"""Scaled dot-product attention with its score matrix written out."""

import numpy as np


def attention(query: np.ndarray, key: np.ndarray, value: np.ndarray) -> np.ndarray:
    """softmax(Q K^T / sqrt(d_k)) V for (P, d) arrays (Zhao et al. 2023, eq. 3)."""
    out = np.zeros((len(query), value.shape[1]))
    for row, one in enumerate(query):
        scores = np.array([float(one @ other) for other in key]) / np.sqrt(query.shape[1])
        weights = np.exp(scores - scores.max())
        out[row] = (weights[:, None] * value).sum(0) / weights.sum()
    return out
