"""What the callbacks ask of models and data; nothing here is imported by either.

Shapes: S sentences, B of a batch, C chunks, T frames, F mel bins, D embedding size.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from datamodules.batch import ChunkBatch


class Clustered(Protocol):
    """A model whose chunks can be clustered."""

    device: torch.device
    dtype: Any

    def embed(self, chunks: Tensor) -> Tensor:
        """(B, C, T, F) -> (B, C, D)."""

    def reset_cluster_classifier(self, generator: torch.Generator) -> None:
        """Forget what the old cluster numbers meant."""


class LabelStore(Protocol):
    """The place where pseudo-labels lie."""

    def update(self, set_name: str, labels: Tensor, num_clusters: int, pass_index: int) -> None:
        """Replace a set's labels (S, C)."""

    def labels(self, set_name: str) -> Tensor | None:
        """A set's labels (S, C), if it has any."""


class PassData(Protocol):
    """Data read in passes."""

    passes: Sequence[str]


class ClusteredData(PassData, Protocol):
    """Data whose training sets are clustered."""

    pseudo_labels: LabelStore

    def size(self, set_name: str) -> int:
        """S."""

    def effective_size(self, set_name: str) -> float:
        """How many equally likely draws the set's next pass is worth."""

    def facts(self, set_name: str) -> Mapping[str, Tensor]:
        """(S, C) codes of what is known of a set's chunks beside their sound; negative where it is not known."""

    def apart(self, set_name: str) -> Tensor:
        """(S,) how many places further a chunk of each sentence begins that does not overlap; C where there is none."""

    def in_order(self, set_name: str, device: torch.device, dtype: Any) -> Iterator[ChunkBatch]:
        """All whole sentences of a set by rising id, or this process's share of them; the chunks in `dtype`."""


class SetData(Protocol):
    """Data whose sets can be gone through."""

    def in_order(self, set_name: str, device: torch.device, dtype: Any) -> Iterator[ChunkBatch]:
        """All whole sentences of a set by rising id, or this process's share of them; the chunks in `dtype`."""


class Generative(Protocol):
    """A model that tells speech again, and makes up its own."""

    device: torch.device
    dtype: Any

    def reconstruct(self, chunks: Tensor) -> Tensor:
        """(N, T, F) -> (N, T, F)."""

    def generate(self, z: Tensor) -> Tensor:
        """(N, D) -> (N, T, F)."""

    def panel(self) -> Tensor:
        """(N, D) codes, always the same."""
