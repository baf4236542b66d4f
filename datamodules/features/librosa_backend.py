"""librosa alone: the reference the other backends are held to."""

from collections.abc import Callable

import librosa
import torch
from torch import Tensor

from datamodules.features.filterbank import window
from datamodules.features.settings import FeatureSettings


def make_mel(settings: FeatureSettings) -> Callable[[Tensor], Tensor]:
    """Waveform (n,) float64 -> mel spectrogram (T, F) float64, both on the CPU."""
    taper = window(settings)

    def mel(waveform: Tensor) -> Tensor:
        bands = librosa.feature.melspectrogram(
            y=waveform.numpy(),
            sr=settings.sample_rate,
            n_fft=settings.n_fft,
            hop_length=settings.hop_length,
            win_length=settings.window_length,
            window=taper,
            center=True,
            # Given explicitly: librosa's default changed from reflect to constant in 0.10.
            pad_mode=settings.pad_mode,  # type: ignore[arg-type]
            power=settings.power,
            n_mels=settings.num_mels,
            fmin=settings.fmin,
            fmax=settings.fmax,
            htk=settings.mel_scale == "htk",
            norm=settings.mel_norm,  # type: ignore[arg-type]
        )
        return torch.from_numpy(bands.T).double()

    return mel
