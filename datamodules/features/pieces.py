"""Spectrograms of one-second pieces, as BEGAN reads them (Pereira et al. 2018, section 3.2).

Shapes: n samples, K pieces of an utterance, T frames a piece, F frequency bins.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from datamodules.errors import DataError
from datamodules.features.settings import LARGEST

REFERENCES = ("piece", "global")
LONGEST_PIECE = 3600  # seconds
QUIETEST = 1e-5  # magnitude below which nothing is told apart, as librosa.amplitude_to_db has it


@dataclass(frozen=True)
class PieceSettings:
    """An utterance as pieces that follow each other without overlap, each a spectrogram in dB, scaled to [-1, 1].

    The paper gives 16 kHz, one second, an FFT of 1024 and a length of 512. Ours, where it is silent: hop = length, so
    a second has 32 frames, reflected at its ends; the highest bin is dropped, so there are 512; dB below a reference.
    """

    sample_rate: int = 16000
    """Hz."""
    n_fft: int = 1024
    """Points of the Fourier transform; even."""
    window_length: int = 512
    """Samples of the Hann window; zero-padded on both sides to n_fft."""
    hop_length: int = 512
    """Samples."""
    piece_seconds: float = 1.0
    shortest_seconds: float = 0.25
    """A last piece of at least this length is filled up with zeros, a shorter one dropped."""
    floor_db: float = -80.0
    """What lies this far below the reference, or farther, becomes -1; the reference itself is 1."""
    reference: str = "piece"
    """0 dB is: piece, the largest magnitude of each piece, which loses its level; global, a sine of full scale."""
    peak_normalize: bool = True
    """Divide each utterance by its largest absolute sample; silence stays zero."""

    z_normalized: ClassVar[bool] = False
    clip: ClassVar[None] = None

    def __post_init__(self) -> None:
        """Raise DataError naming the option that does not make sense."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type is float and type(value) is int:  # 1 and 1.0 must give one store
                object.__setattr__(self, field.name, float(value))
        for name in ("sample_rate", "n_fft", "window_length", "hop_length"):
            value = getattr(self, name)
            self._require(type(value) is int and 0 < value <= LARGEST, name, f"a whole number from 1 to {LARGEST}")
        for name in ("piece_seconds", "shortest_seconds", "floor_db"):
            self._require(isinstance(getattr(self, name), float), name, "a number")
        self._require(isinstance(self.peak_normalize, bool), "peak_normalize", "true or false")
        self._require(self.n_fft % 2 == 0, "n_fft", "an even number")
        self._require(self.window_length <= self.n_fft, "window_length", f"at most n_fft={self.n_fft}")
        self._require(0 < self.piece_seconds <= LONGEST_PIECE, "piece_seconds", f"at most {LONGEST_PIECE} s")
        longest = f"such that a piece is longer than half of n_fft={self.n_fft} samples"
        self._require(self.piece_samples > self.n_fft // 2, "piece_seconds", longest)
        shortest = 0 < self.shortest_seconds <= self.piece_seconds
        self._require(shortest, "shortest_seconds", f"above 0 and at most piece_seconds={self.piece_seconds:g}")
        self._require(self.floor_db < 0, "floor_db", "dB below 0")
        self._require(self.reference in REFERENCES, "reference", " or ".join(REFERENCES))

    def _require(self, holds: bool, name: str, wanted: str) -> None:
        if not holds:
            raise DataError(f"features.{name}={getattr(self, name)} does not work; set it to {wanted}.")

    @property
    def num_bins(self) -> int:
        """F; the Nyquist bin is left out."""
        return self.n_fft // 2

    @property
    def piece_samples(self) -> int:
        """Of one piece."""
        return round(self.piece_seconds * self.sample_rate)

    @property
    def frames_a_piece(self) -> int:
        """T.

        >>> PieceSettings().frames_a_piece
        32
        """
        return 1 + self.piece_samples // self.hop_length

    def seconds_of(self, frame: int) -> float:
        """Where a piece begins, in seconds, by its first frame.

        >>> PieceSettings().seconds_of(64)
        2.0
        """
        return frame // self.frames_a_piece * self.piece_seconds

    @property
    def min_samples(self) -> int:
        """The shortest utterance that has a piece."""
        return round(self.shortest_seconds * self.sample_rate)

    def stored(self) -> dict[str, Any]:
        """The options that decide what a feature store holds, and F."""
        return {"num_bins": self.num_bins, **asdict(self)}


def make_pieces(settings: PieceSettings) -> Callable[[np.ndarray | Tensor], Tensor]:
    """The function from samples (n,) to the frames of all pieces, one after the other, (K T, F) float32.

    It raises DataError for an utterance that is shorter than the shortest piece.
    """
    taper = torch.hann_window(settings.window_length, dtype=torch.float64)
    of_full_scale = float(taper.sum()) / 2  # the magnitude of a sine of amplitude 1 at the middle of a bin

    def extract(samples: np.ndarray | Tensor) -> Tensor:
        waveform = torch.as_tensor(samples).to(torch.float64)
        if len(waveform) < settings.min_samples:
            raise DataError(
                f"{len(waveform)} samples are fewer than the {settings.min_samples} of the shortest piece; "
                "leave the utterance out."
            )
        if settings.peak_normalize:
            waveform = waveform / waveform.abs().max().clamp(min=torch.finfo(torch.float64).tiny)
        spectra = torch.stft(
            cut_into_pieces(waveform, settings.piece_samples, settings.min_samples),
            n_fft=settings.n_fft,
            hop_length=settings.hop_length,
            win_length=settings.window_length,
            window=taper,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        magnitudes = spectra.abs()
        loudest = magnitudes.amax((1, 2), keepdim=True)
        reference = loudest if settings.reference == "piece" else torch.full_like(loudest, of_full_scale)
        levels = 20 * (magnitudes.clamp(min=QUIETEST).log10() - reference.clamp(min=QUIETEST).log10())
        # A silent piece has no level; it is as quiet as can be.
        levels = torch.where(loudest > QUIETEST, levels, settings.floor_db).clamp(settings.floor_db, 0)
        scaled = 1 - 2 * levels / settings.floor_db
        return scaled[:, : settings.num_bins].transpose(1, 2).flatten(0, 1).float()

    return extract


def cut_into_pieces(waveform: Tensor, piece: int, shortest: int) -> Tensor:
    """(n,) -> (K, piece): the last one filled up with zeros, or dropped where it has fewer than `shortest` samples.

    >>> cut_into_pieces(torch.ones(7), piece=3, shortest=2).tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    >>> cut_into_pieces(torch.ones(5), piece=3, shortest=2).tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]]
    """
    count = max(1, (len(waveform) + piece - shortest) // piece)
    filled = waveform.new_zeros(count * piece)
    held = waveform[: len(filled)]
    filled[: len(held)] = held
    return filled.view(count, piece)
