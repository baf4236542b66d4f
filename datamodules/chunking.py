"""A fixed number of fixed-length chunks a sentence, whatever its duration.

Source: Lin & Busso, Chunk-level SER, and DeepEmoCluster (ICASSP 2021), equations 1 and 2. Shapes: S sentences
in a set, N frames in all of them, B sentences in a batch, C chunks, T frames a chunk, F mel bins.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from datamodules.errors import DataError
from datamodules.features import Features

# Quotients such as 1.1 / 0.1 come out a hair above or below the whole number they mean.
_SLACK = 1e-9

MOST_SECONDS = 86_400  # no sentence lasts a day
MOST_CHUNKS = 10_000  # of a sentence

NO_CHUNK = -1
"""The place of a chunk that a sentence does not have, where others have more."""


@dataclass(frozen=True)
class ChunkSettings:
    """How sentences are cut."""

    window_seconds: float = 1.0
    """w_c: one chunk."""
    max_seconds: float = 11.0
    """T_max: longer sentences are allowed, their chunks have gaps between them."""
    rounding: str = "floor"
    """floor: whole-frame step, up to C − 2 tail frames unused, as released by the authors; exact: the last
    chunk ends with the sentence."""

    def __post_init__(self) -> None:
        """Raise DataError naming the option that does not make sense."""
        for name in ("window_seconds", "max_seconds"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not 0 < value < MOST_SECONDS:
                raise DataError(f"data.chunks.{name}={value} does not work; set it to seconds above 0.")
            object.__setattr__(self, name, float(value))
        if self.max_seconds / self.window_seconds > MOST_CHUNKS:
            raise DataError(
                f"data.chunks.window_seconds={self.window_seconds:g} makes more than {MOST_CHUNKS} chunks of "
                f"data.chunks.max_seconds={self.max_seconds:g}; make it longer."
            )
        if self.rounding not in ("floor", "exact"):
            raise DataError(
                f"data.chunks.rounding={self.rounding} does not work; set it to floor (as released) or exact."
            )

    @property
    def num_chunks(self) -> int:
        """C = ceil(T_max / w_c).

        >>> ChunkSettings(window_seconds=2.0, max_seconds=11.0).num_chunks
        6
        """
        return math.ceil(self.max_seconds / self.window_seconds - _SLACK)

    def window_frames(self, features: Features) -> int:
        """T, the frames of one chunk: 62 for one second at a hop of 16 ms; a piece's where there are pieces."""
        if features.frames_a_piece is not None:
            return features.frames_a_piece
        frames = math.floor(self.window_seconds * features.sample_rate / features.hop_length + _SLACK)
        if not frames:
            raise DataError(
                f"data.chunks.window_seconds={self.window_seconds:g} is shorter than one hop "
                f"(features.hop_length={features.hop_length}); make the chunk longer."
            )
        return frames

    def starts(self, num_frames: Tensor, features: Features) -> Tensor:
        """First frame of every chunk, (S, C), from the sentences' lengths in frames (S,); see chunk_starts.

        Where features are pieces these are the chunks, as many as a sentence has: C is the most, and NO_CHUNK fills.
        """
        if features.frames_a_piece is not None:
            return piece_starts(num_frames, features.frames_a_piece)
        return chunk_starts(num_frames, self.window_frames(features), self.num_chunks, self.rounding)

    def length_notes(self, seconds: np.ndarray) -> dict[str, int]:
        """How many sentences are repeated to fill a chunk, and how many have gaps between theirs."""
        notes = {
            f"shorter than {self.window_seconds:g} s": int((seconds < self.window_seconds).sum()),
            f"longer than {self.max_seconds:g} s": int((seconds > self.max_seconds).sum()),
        }
        return {note: count for note, count in notes.items() if count}


def chunk_starts(num_frames: Tensor, window_frames: int, num_chunks: int, rounding: str = "floor") -> Tensor:
    """First frame of every chunk, (S, C), from the sentences' lengths in frames, (S,).

    Chunk k starts at k·Δ, Δ = (length − window) / (C − 1): `floor` takes the whole part of Δ, `exact` rounds
    k·Δ. A sentence shorter than one chunk has all its chunks at 0.

    >>> chunk_starts(torch.tensor([100, 95, 30]), window_frames=62, num_chunks=3).tolist()
    [[0, 19, 38], [0, 16, 32], [0, 0, 0]]
    >>> chunk_starts(torch.tensor([95]), 62, 3, "exact").tolist()
    [[0, 16, 33]]
    """
    room = (num_frames - window_frames).clamp(min=0)[:, None]
    k = torch.arange(num_chunks, device=num_frames.device)
    gaps = max(num_chunks - 1, 1)
    if rounding == "floor":
        return room // gaps * k
    return (room * k / gaps).round().long()


def piece_starts(num_frames: Tensor, frames_a_piece: int) -> Tensor:
    """First frame of every piece, (S, C), from the sentences' lengths in frames, whole pieces, (S,).

    >>> piece_starts(torch.tensor([64, 32]), 32).tolist()
    [[0, 32], [0, -1]]
    """
    counts = num_frames // frames_a_piece
    k = torch.arange(int(counts.max()) if len(counts) else 0, device=num_frames.device)
    return torch.where(k < counts[:, None], k * frames_a_piece, NO_CHUNK)


def gather_chunks(
    frames: Tensor,
    offsets: Tensor,
    lengths: Tensor,
    starts: Tensor,
    sentence_ids: Tensor,
    positions: Tensor,
    window_frames: int,
) -> Tensor:
    """The chunks at `positions` (B, C) of sentences `sentence_ids` (B,), raw, (B, C, T, F) float32.

    `frames` (N, F) holds every sentence's frames; sentence s is `lengths[s]` frames from `offsets[s]`, its
    chunks begin at `starts[s]` (S, C). One indexing step for the whole batch, on whatever device the tensors
    are: memory mapped, RAM or GPU. A sentence shorter than one chunk is repeated until the chunk is full, and one
    that does not have a chunk (NO_CHUNK) gives its first frames.
    """
    first = starts[sentence_ids[:, None], positions.clamp(min=0)].clamp(min=0)
    within = first[..., None] + torch.arange(window_frames, device=first.device)
    rows = offsets[sentence_ids, None, None] + within % lengths[sentence_ids, None, None]
    # index_select on the flat rows takes half the time of frames[rows].
    chunks = frames.index_select(0, rows.flatten()).float()
    return chunks.view(*rows.shape, frames.shape[1])
