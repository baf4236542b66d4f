"""One set of sentences: where their frames lie, where their chunks begin, and their labels.

Shapes: N frames of the store, S sentences, C chunks a sentence, T frames a chunk, F mel bins, A attributes.
"""

from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from datamodules.chunking import NO_CHUNK, gather_chunks
from datamodules.frame_sums import FrameSums


@dataclass
class SentenceSet:
    """A set as tensors; a sentence's id is its row."""

    name: str
    table: pd.DataFrame
    """(S rows) utterance_id, speaker and, where rated, the attributes on their own scale."""
    frames: Tensor
    """(N, F) float16 raw features, shared between the sets of a store."""
    offsets: Tensor
    """(S,) first frame of each sentence."""
    lengths: Tensor
    """(S,) frames of each sentence."""
    labels: Tensor
    """(S, A) labels as the task encodes them, NaN where there are none."""
    starts: Tensor
    """(S, C) first frame of each chunk in its sentence; NO_CHUNK where one has fewer than others."""
    window_frames: int
    sums: FrameSums | None = None
    """Of frames that lie on a disk; None where they were compared, or made here."""

    def __len__(self) -> int:
        return len(self.offsets)

    @property
    def num_chunks(self) -> int:
        """C, the most that a sentence has."""
        return self.starts.shape[1]

    @property
    def places(self) -> Tensor:
        """(S, C) 0, 1 … of the chunks that each sentence has, NO_CHUNK for the others; in main memory."""
        return torch.where(self.starts.cpu() == NO_CHUNK, NO_CHUNK, torch.arange(self.num_chunks))

    def gather(self, sentence_ids: Tensor, positions: Tensor) -> Tensor:
        """(B, C, T, F) raw chunks, on the device of the frames."""
        device = self.frames.device
        if self.sums is not None:
            self.sums.compare(sentence_ids.unique(), self.frames, self.offsets, self.lengths)
        return gather_chunks(
            self.frames,
            self.offsets,
            self.lengths,
            self.starts,
            sentence_ids.to(device),
            positions.to(device),
            self.window_frames,
        )

    def resident(self, device: torch.device) -> "SentenceSet":
        """The same set with only its own frames, copied to `device` (`cpu` takes them off the disk)."""
        if self.sums is not None:
            self.sums.compare(torch.arange(len(self)), self.frames, self.offsets, self.lengths)
        lengths = self.lengths.cpu()
        ends = lengths.cumsum(0)
        frames = torch.empty((int(ends[-1]), self.frames.shape[1]), dtype=self.frames.dtype, device=device)
        for offset, length, end in zip(self.offsets.tolist(), lengths.tolist(), ends.tolist(), strict=True):
            frames[end - length : end] = self.frames[offset : offset + length].to(device)
        return SentenceSet(
            self.name,
            self.table,
            frames,
            (ends - lengths).to(device),
            lengths.to(device),
            self.labels,
            self.starts.to(device),
            self.window_frames,
        )

    def part(self, name: str, rows: Tensor) -> "SentenceSet":
        """Some of its sentences, by row, as a set of their own."""
        at = rows.to(self.offsets.device)
        return SentenceSet(
            name,
            self.table.iloc[rows.tolist()].reset_index(drop=True),
            self.frames,
            self.offsets[at],
            self.lengths[at],
            self.labels[rows],
            self.starts[at],
            self.window_frames,
            None if self.sums is None else self.sums.part(rows.tolist()),
        )
