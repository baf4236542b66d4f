"""Chunks one at a time, from the equations of the chunk segmentation."""

import numpy as np


def starts_floor(num_frames: int, window: int, num_chunks: int) -> list[int]:
    """Whole-frame steps."""
    if num_frames < window or num_chunks == 1:
        return [0] * num_chunks
    step = int((num_frames - window) / (num_chunks - 1))
    return [k * step for k in range(num_chunks)]


def starts_exact(num_frames: int, window: int, num_chunks: int) -> list[int]:
    """Every start rounded on its own."""
    if num_frames < window or num_chunks == 1:
        return [0] * num_chunks
    return [round(k * (num_frames - window) / (num_chunks - 1)) for k in range(num_chunks)]


def cut(sentence: np.ndarray, start: int, window: int) -> np.ndarray:
    """Frames (T, F) from `start` of a sentence (n, F), begun again from its first frame when it ends."""
    return np.stack([sentence[(start + t) % len(sentence)] for t in range(window)])
