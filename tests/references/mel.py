"""A mel spectrogram written from its equations: NumPy, float64, Fourier sums, nothing shared with ours.

Shapes: n samples, T frames, F mel bins, K = n_fft / 2 + 1 frequencies.
"""

import math

import numpy as np


def mel_features(
    samples: np.ndarray,
    sample_rate: int = 16000,
    n_fft: int = 512,
    hop: int = 256,
    num_mels: int = 128,
    window: str = "hann",
    periodic: bool = True,
    htk: bool = False,
    power: float = 2.0,
    log_floor: float | None = None,
    pre_emphasis: float = 0.0,
) -> np.ndarray:
    """(n,) -> (T, F): peak to 1, pre-emphasis, reflected ends, windowed frames, |DFT|^power, mel, log."""
    x = samples.astype(np.float64)
    if np.abs(x).max() > 0:
        x = x / np.abs(x).max()
    x = np.array([x[n] - (pre_emphasis * x[n - 1] if n else 0.0) for n in range(len(x))])
    half = n_fft // 2
    padded = np.concatenate([x[half:0:-1], x, x[-2 : -half - 2 : -1]])
    n = np.arange(n_fft)
    turns = 2 * math.pi * n / (n_fft if periodic else n_fft - 1)
    taper = 0.5 - 0.5 * np.cos(turns) if window == "hann" else 0.54 - 0.46 * np.cos(turns)
    frequencies = np.arange(half + 1)
    fourier = np.exp(-2j * math.pi * np.outer(n, frequencies) / n_fft)
    filters = triangles(sample_rate, n_fft, num_mels, htk)
    frames = np.stack([padded[start : start + n_fft] for start in range(0, len(x) + 1, hop)])
    mel = np.abs((frames * taper) @ fourier) ** power @ filters.T
    return mel if log_floor is None else np.log(np.maximum(mel, log_floor))


def triangles(sample_rate: int, n_fft: int, num_mels: int, htk: bool) -> np.ndarray:
    """(F, K) filters of equal area (2 / width in Hz) from 0 Hz to the Nyquist frequency."""
    to_mel, to_hertz = (_htk_mel, _htk_hertz) if htk else (_slaney_mel, _slaney_hertz)
    top = to_mel(sample_rate / 2)
    edges = [to_hertz(top * i / (num_mels + 1)) for i in range(num_mels + 2)]
    filters = np.zeros((num_mels, n_fft // 2 + 1))
    for m in range(num_mels):
        low, middle, high = edges[m : m + 3]
        for k in range(n_fft // 2 + 1):
            f = k * sample_rate / n_fft
            if low < f <= middle:
                filters[m, k] = (f - low) / (middle - low)
            elif middle < f < high:
                filters[m, k] = (high - f) / (high - middle)
        filters[m] *= 2 / (high - low)
    return filters


def _htk_mel(f: float) -> float:
    return 2595 * math.log10(1 + f / 700)


def _htk_hertz(m: float) -> float:
    return 700 * (10 ** (m / 2595) - 1)


def _slaney_mel(f: float) -> float:
    return 3 * f / 200 if f < 1000 else 15 + 27 * math.log(f / 1000) / math.log(6.4)


def _slaney_hertz(m: float) -> float:
    return 200 * m / 3 if m < 15 else 1000 * 6.4 ** ((m - 15) / 27)
