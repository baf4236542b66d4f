"""The default backend: torch.stft and librosa's filters, nearly all zeros (BENCHMARKS.md has their speed)."""

from collections.abc import Callable

import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from datamodules.features.filterbank import mel_filters, window
from datamodules.features.settings import FeatureSettings


def make_mel(settings: FeatureSettings) -> Callable[[Tensor], Tensor]:
    """Waveform (n,) float64 on any device -> mel spectrogram (T, F) float64."""
    taper = torch.from_numpy(window(settings))
    filters = mel_filters(settings)
    few, all_of_them = csr_matrix(filters), torch.from_numpy(filters)

    def mel(waveform: Tensor) -> Tensor:
        spectrum = torch.stft(
            waveform,
            n_fft=settings.n_fft,
            hop_length=settings.hop_length,
            win_length=settings.window_length,
            window=taper.to(waveform.device),
            center=True,
            pad_mode=settings.pad_mode,
            return_complex=True,
        )
        real, imaginary = torch.view_as_real(spectrum).unbind(-1)
        energy = real.square().addcmul_(imaginary, imaginary)
        if settings.power != 2:
            energy = energy.pow(settings.power / 2)
        if energy.device.type == "cpu":
            return torch.from_numpy(few @ energy.numpy()).T
        return (all_of_them.to(energy.device) @ energy).T

    return mel
