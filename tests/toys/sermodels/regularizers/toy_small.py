"""A toy: features stay small. What the smallest regularizer looks like.

Shapes: B sentences, C chunks, D features.
"""

from typing import Any

from torch import Tensor

from datamodules.batch import LABELED, UNLABELED, ChunkBatch
from sermodels.regularizers.regularizer import Regularizer
from sermodels.whole_batch import of_whole_batch


class Small(Regularizer):
    """weight: of the mean square of h."""

    def __init__(self, weight: float = 0.1) -> None:
        super().__init__({"small": weight}, (LABELED, UNLABELED))

    def forward(self, h: Tensor, batch: ChunkBatch, trace: Any) -> dict[str, Tensor]:
        return {"small": of_whole_batch(h).square().mean()}
