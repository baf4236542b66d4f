"""torchaudio's transforms, for pipelines that are built on them."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from datamodules.errors import DataError
from datamodules.features.settings import FeatureSettings

_WINDOWS = {"hann": torch.hann_window, "hamming": torch.hamming_window}


@contextmanager
def _double_precision() -> Iterator[None]:
    """torchaudio makes its filters in the default precision; in single, the narrow ones are off by 2e-5."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def make_mel(settings: FeatureSettings) -> Callable[[Tensor], Tensor]:
    """Waveform (n,) float64 -> mel spectrogram (T, F) float64, both on the CPU.

    Raises DataError where torchaudio cannot be imported.
    """
    # Here and not above, so that this file can be looked into where torchaudio is not to be had.
    try:
        from torchaudio.transforms import MelScale, Spectrogram
    except (ImportError, OSError) as error:
        # OSError: its wheel is linked against CUDA and does not load beside a CPU-only torch.
        raise DataError(
            f"features.backend=torchaudio: torchaudio cannot be imported here ({error}); "
            "set features.backend=torch, which computes the same, or install the torchaudio built for this torch."
        ) from error
    spectrogram = Spectrogram(
        n_fft=settings.n_fft,
        win_length=settings.window_length,
        hop_length=settings.hop_length,
        window_fn=_WINDOWS[settings.window],
        wkwargs={"periodic": settings.periodic, "dtype": torch.float64},
        power=settings.power,
        center=True,
        pad_mode=settings.pad_mode,
    )
    with warnings.catch_warnings(), _double_precision():
        # HTK filters leave one band empty, and it is meant to be.
        warnings.filterwarnings("ignore", message="At least one mel filterbank has all zero values")
        mel_scale = MelScale(
            n_mels=settings.num_mels,
            sample_rate=settings.sample_rate,
            f_min=settings.fmin,
            f_max=settings.fmax,
            n_stft=settings.n_fft // 2 + 1,
            norm=settings.mel_norm,
            mel_scale=settings.mel_scale,
        )

    def mel(waveform: Tensor) -> Tensor:
        return mel_scale(spectrogram(waveform)).T

    return mel
