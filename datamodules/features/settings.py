"""The options of the mel front end."""

from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

from datamodules.errors import DataError

LARGEST = 2**20
"""More samples a second, or bins, than any front end has."""
BACKENDS = ("torch", "librosa", "torchaudio")


@dataclass(frozen=True)
class FeatureSettings:
    """From samples to normalised mel frames. The defaults are DeepEmoCluster as released by its authors."""

    sample_rate: int = 16000
    """Hz."""
    n_fft: int = 512
    """Points of the Fourier transform; even, so that frames are centred on multiples of the hop."""
    window_length: int = 512
    """Samples; zero-padded on both sides to n_fft."""
    hop_length: int = 256
    """Samples."""
    num_mels: int = 128
    fmin: float = 0.0
    """Hz."""
    fmax: float = 8000.0
    """Hz."""
    window: str = "hann"
    """hann or hamming."""
    periodic: bool = True
    """False is the symmetric window."""
    mel_scale: str = "slaney"
    """slaney (linear below 1 kHz) or htk (2595 log10(1 + f/700))."""
    mel_norm: str | None = "slaney"
    """slaney (filters of equal area) or null (of equal height)."""
    power: float = 2.0
    """Exponent of the magnitude: 1 magnitude, 2 power."""
    log: bool = False
    """Natural logarithm of the mel bands."""
    log_floor: float = 1e-10
    """Smallest value the logarithm sees."""
    pre_emphasis: float = 0.0
    """α of y[n] = x[n] − αx[n−1], x[−1] = 0."""
    peak_normalize: bool = True
    """Divide each utterance by its largest absolute sample; silence stays zero."""
    pad_mode: str = "reflect"
    """How the first and last frame are filled: reflect or constant (zeros)."""
    clip: float | None = 3.0
    """Normalised values are held within ±clip; applied with the statistics, never stored."""
    backend: str = "torch"
    """torch, librosa or torchaudio; equal to 1e-5 of a file's maximum."""

    z_normalized: ClassVar[bool] = True
    frames_a_piece: ClassVar[None] = None
    """An utterance is no row of pieces; chunks are laid over it."""

    def __post_init__(self) -> None:
        """Raise DataError naming the option that does not make sense."""
        for field in fields(self):
            # `power: 2` and `power: 2.0` are one configuration and must give one store.
            value = getattr(self, field.name)
            if field.type in (float, float | None) and type(value) is int:
                object.__setattr__(self, field.name, float(value))
        for name in ("sample_rate", "n_fft", "window_length", "hop_length", "num_mels"):
            value = getattr(self, name)
            self._require(type(value) is int and 0 < value <= LARGEST, name, f"a whole number from 1 to {LARGEST}")
        for name in ("fmin", "fmax", "power", "log_floor", "pre_emphasis"):
            self._require(isinstance(getattr(self, name), float), name, "a number")
        for name in ("periodic", "log", "peak_normalize"):
            self._require(isinstance(getattr(self, name), bool), name, "true or false")
        nyquist = self.sample_rate / 2
        self._require(self.n_fft % 2 == 0, "n_fft", "an even number")
        self._require(self.window_length <= self.n_fft, "window_length", f"at most n_fft={self.n_fft}")
        self._require(0 <= self.fmin < nyquist, "fmin", f"from 0 to below {nyquist:g} Hz")
        self._require(self.fmin < self.fmax <= nyquist, "fmax", f"above fmin and at most {nyquist:g} Hz")
        self._require(self.power in (1, 2), "power", "1 (magnitude) or 2 (power)")
        self._require(self.log_floor > 0, "log_floor", "a small number above 0")
        self._require(0 <= self.pre_emphasis < 1, "pre_emphasis", "from 0 (none) to below 1")
        clips = isinstance(self.clip, float) and self.clip > 0
        self._require(self.clip is None or clips, "clip", "a number above 0, or null for none")
        for name, choices in (
            ("window", ("hann", "hamming")),
            ("mel_scale", ("slaney", "htk")),
            ("mel_norm", ("slaney", None)),
            ("pad_mode", ("reflect", "constant")),
            ("backend", BACKENDS),
        ):
            words = ["null" if choice is None else choice for choice in choices]
            self._require(getattr(self, name) in choices, name, " or ".join(words))

    def _require(self, holds: bool, name: str, wanted: str) -> None:
        if not holds:
            raise DataError(f"features.{name}={getattr(self, name)} does not work; set it to {wanted}.")

    @property
    def num_bins(self) -> int:
        """F."""
        return self.num_mels

    def num_frames(self, num_samples: int) -> int:
        """Frames of an utterance of `num_samples` samples, the first centred on sample 0.

        >>> FeatureSettings(hop_length=256).num_frames(16000)
        63
        """
        return 1 + num_samples // self.hop_length

    def seconds_of(self, frame: int) -> float:
        """Where a frame begins, in seconds.

        >>> FeatureSettings(hop_length=256).seconds_of(125)
        2.0
        """
        return frame * self.hop_length / self.sample_rate

    @property
    def min_samples(self) -> int:
        """The shortest utterance whose ends can be mirrored over half a frame."""
        return self.n_fft // 2 + 1 if self.pad_mode == "reflect" else 1

    def stored(self) -> dict[str, Any]:
        """The options that decide what a feature store holds."""
        return {name: value for name, value in asdict(self).items() if name != "clip"}
