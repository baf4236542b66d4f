"""A toy: a moving average over a sentence's chunks. What the smallest temporal net looks like.

Shapes: B sentences, C chunks, D features.
"""

from torch import Tensor
from torch.nn import functional as F

from sermodels.arguments import whole_number
from sermodels.temporal_nets.temporal_net import TemporalNet


class Smoothing(TemporalNet):
    """chunks: to either side that a chunk is averaged with."""

    def __init__(self, chunks: int = 1) -> None:
        super().__init__()
        whole_number("chunks", chunks, 0)
        self.chunks = chunks

    def forward(self, h: Tensor) -> Tensor:
        """(B, C, D) -> z (B, C, D)."""
        width = 2 * self.chunks + 1
        return F.avg_pool1d(h.transpose(1, 2), width, 1, self.chunks, count_include_pad=False).transpose(1, 2)
