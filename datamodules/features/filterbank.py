"""The window and the mel filters, as librosa and SciPy define them."""

import librosa
import numpy as np
import scipy.signal

from datamodules.features.settings import FeatureSettings


def window(settings: FeatureSettings) -> np.ndarray:
    """(window_length,) float64."""
    return scipy.signal.get_window(settings.window, settings.window_length, fftbins=settings.periodic)


def mel_filters(settings: FeatureSettings) -> np.ndarray:
    """(F, n_fft/2 + 1) float64. HTK filters at n_fft 512 leave the second one empty: no bin falls into it."""
    return librosa.filters.mel(
        sr=settings.sample_rate,
        n_fft=settings.n_fft,
        n_mels=settings.num_mels,
        fmin=settings.fmin,
        fmax=settings.fmax,
        htk=settings.mel_scale == "htk",
        norm=settings.mel_norm,  # type: ignore[arg-type]
        dtype=np.float64,
    )
