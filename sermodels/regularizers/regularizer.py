"""What every regularizer offers.

Shapes: B sentences, C chunks, D features.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor, nn

from datamodules.batch import ChunkBatch


class Regularizer(nn.Module, ABC):
    """Named losses on Φ's output, beside those of the heads; its parameters, if any, are trained with the outputs.

    A subclass may take the model's `encoder` beside its own options.

    weights: of each named loss; its keys are the names that `forward` returns, that are logged, and that no other
        loss of the model may have. unlabeled_weights: of those that weigh otherwise on U.
    passes: the sets in whose passes it acts.
    min_chunks: a sentence must have for its losses to exist.
    """

    needs_whole_sentences = False
    """Whether it must see all chunks of a sentence together and in order."""

    def __init__(
        self,
        weights: Mapping[str, float],
        passes: Iterable[str],
        min_chunks: int = 1,
        unlabeled_weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        self.weights = dict(weights)
        self.unlabeled_weights = dict(unlabeled_weights or {})
        self.passes = frozenset(passes)
        self.min_chunks = min_chunks

    @abstractmethod
    def forward(self, h: Tensor, batch: ChunkBatch, trace: Any) -> dict[str, Tensor]:
        """The named losses of a batch.

        h: (B, C, D), Φ's output. trace: what Φ's `traced` returned beside it.
        """
