"""Everything between audio and a model's input, as plain data that travels with a checkpoint.

Shapes: C chunks, T frames a chunk, F mel bins, n samples.
"""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from datamodules.chunking import ChunkSettings, gather_chunks
from datamodules.errors import DataError
from datamodules.feature_store import FeatureStore
from datamodules.features import Extractor, Features, kind_of, make_extractor
from datamodules.statistics import frame_statistics


@dataclass(frozen=True, eq=False)
class Cut:
    """A recording as models read it."""

    chunks: Tensor
    """(C, T, F) float32."""
    seconds: list[tuple[float, float]]
    """Of every chunk its start and its end in the recording."""


@dataclass(frozen=True, eq=False)
class FrontEnd:
    """Features, chunks, and the training set's statistics."""

    features: Features
    chunks: ChunkSettings
    mean: Tensor
    """(F,) float32, over all frames of Train."""
    std: Tensor
    """(F,) float32, population."""

    def __post_init__(self) -> None:
        """Raise DataError for statistics of other features, or that are no numbers."""
        for name in ("mean", "std"):
            shape = tuple(getattr(self, name).shape)
            if shape != (self.features.num_bins,):
                raise DataError(
                    f"the front end's {name} is of shape {shape}, not of its {self.features.num_bins} bins; take "
                    "the statistics of these features."
                )
            if not getattr(self, name).isfinite().all():
                raise DataError(f"the front end's {name} has NaN or infinity; take statistics that are numbers.")

    @classmethod
    def of_training_set(
        cls, store: FeatureStore, train: pd.DataFrame, features: Features, chunks: ChunkSettings
    ) -> "FrontEnd":
        """The front end whose statistics are those of all frames of the sentences in `train`, rows of a corpus.

        Features that are not z-normalised stay as they are: mean 0, deviation 1.
        Raises DataError when there are none, or when one has no features in the store.
        """
        if not features.z_normalized:
            return cls(features, chunks, torch.zeros(features.num_bins), torch.ones(features.num_bins))
        statistics = frame_statistics(store, train["utterance_id"])
        return cls(features=features, chunks=chunks, mean=statistics.mean, std=statistics.std)

    def normalize(self, raw: Tensor) -> Tensor:
        """z-normalised features, (..., F) -> (..., F), on `raw`'s device: NaN becomes 0, then ±clip.

        NaN comes from a bin whose given std is 0, as norm terms of other programs may have.
        """
        if raw.device not in self._on_device:
            self._on_device[raw.device] = (self.mean.to(raw.device), self.std.to(raw.device))
        mean, std = self._on_device[raw.device]
        normal = torch.nan_to_num_((raw - mean).div_(std), nan=0.0)
        return normal if self.features.clip is None else normal.clamp_(-self.features.clip, self.features.clip)

    def chunks_of(self, samples: np.ndarray | Tensor) -> Tensor:
        """A model's input (C, T, F) float32 from samples (n,) at features.sample_rate; no store is needed."""
        return self.cut(samples).chunks

    def cut(self, samples: np.ndarray | Tensor) -> Cut:
        """The same, and where in the recording the chunks lie."""
        raw = self._extractor(samples)
        length = torch.tensor([len(raw)])
        window, starts = self.chunks.window_frames(self.features), self.chunks.starts(length, self.features)
        zero = torch.zeros(1, dtype=torch.long)
        every = torch.arange(starts.shape[1])[None]
        chunks = self.normalize(gather_chunks(raw, zero, length, starts, zero, every, window))[0]
        ends = len(samples) / self.features.sample_rate
        seconds = self.features.seconds_of
        return Cut(chunks, [(seconds(start), min(seconds(start + window), ends)) for start in starts[0].tolist()])

    def to_dict(self) -> dict[str, Any]:
        """Numbers, strings, lists and dicts only, so that a checkpoint loads with weights_only=True."""
        return {
            "features": asdict(self.features),
            "chunks": asdict(self.chunks),
            "mean": self.mean.tolist(),
            "std": self.std.tolist(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "FrontEnd":
        """The front end that `to_dict` described, to the last bit. Raises KeyError or TypeError for other keys."""
        read = {
            "features": kind_of(data["features"])(**data["features"]),
            "chunks": ChunkSettings(**data["chunks"]),
            "mean": torch.tensor(data["mean"], dtype=torch.float32),
            "std": torch.tensor(data["std"], dtype=torch.float32),
        }
        return cls(**(data | read))  # data once more, so that a key nobody knows is refused

    @cached_property
    def _extractor(self) -> Extractor:
        return make_extractor(self.features)

    @cached_property
    def _on_device(self) -> dict[torch.device, tuple[Tensor, Tensor]]:
        return {}
