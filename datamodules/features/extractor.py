"""Samples to raw mel features, by one of three interchangeable backends."""

from collections.abc import Callable
from importlib import import_module

import numpy as np
import torch
from torch import Tensor

from datamodules.errors import DataError
from datamodules.features.pieces import PieceSettings, make_pieces
from datamodules.features.settings import FeatureSettings

Extractor = Callable[[np.ndarray | Tensor], Tensor]
"""Samples (n,) at features.sample_rate -> (T, F) float32."""


def make_extractor(settings: FeatureSettings | PieceSettings) -> Extractor:
    """The function from samples (n,) to raw, un-normalised features (T, F); of pieces see make_pieces.

    Of mel frames T = settings.num_frames(n): peak normalisation, pre-emphasis, mel spectrogram (the backend's part),
    logarithm. All of it is computed in double precision: in single precision a quiet band beside a loud one keeps so
    few digits that the logarithm differs between backends by 7e-5 of a file's maximum; in double precision it is 5e-8.

    Raises DataError when the backend cannot be imported; the returned function raises it for an utterance too
    short for one frame.
    """
    if isinstance(settings, PieceSettings):
        return make_pieces(settings)
    # Imported by name so that librosa and torchaudio are loaded only where they are chosen.
    mel = import_module(f"datamodules.features.{settings.backend}_backend").make_mel(settings)

    def extract(samples: np.ndarray | Tensor) -> Tensor:
        if len(samples) < settings.min_samples:
            raise DataError(
                f"{len(samples)} samples are fewer than the {settings.min_samples} of one frame; "
                "leave the utterance out."
            )
        features = mel(_condition(torch.as_tensor(samples), settings))
        if settings.log:
            features = features.clamp(min=settings.log_floor).log()
        return features.to(torch.float32, memory_format=torch.contiguous_format)

    return extract


def _condition(samples: Tensor, settings: FeatureSettings) -> Tensor:
    """Peak normalisation, then pre-emphasis; (n,) -> (n,) float64."""
    waveform = samples.to(torch.float64, copy=True)
    if settings.peak_normalize:
        lowest, highest = samples.aminmax()
        peak = torch.maximum(-lowest.double(), highest.double())
        waveform /= torch.where(peak > 0, peak, torch.ones_like(peak))
    if settings.pre_emphasis:
        previous = torch.nn.functional.pad(waveform, (1, -1))
        waveform = waveform - settings.pre_emphasis * previous
    return waveform
