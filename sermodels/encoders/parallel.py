"""ACG's encoder: an Attn-Conv network and a recurrent network side by side.

Shapes: N chunks, T = 62 frames, F = 128 mel bins, D = 256 features.
"""

from typing import Any

import torch
from torch import Tensor, nn

from sermodels.encoders.spatial_temporal import SpatialTemporalEncoder


class ParallelEncoder(SpatialTemporalEncoder):
    """Both networks on the raw spectrogram chunk, their features joined (Zhao et al. 2023, section 4.4, [p]).

    The recurrent features are the mean over a chunk's frames. Joining is a concatenation and Linear-ReLU-Dropout
    (ours): concatenated raw, the convolutional features' far larger variance would rule the k-means. The joining
    layer keeps PyTorch's initialisation, as the recurrent one does. All options are SpatialTemporalEncoder's.
    """

    def __init__(self, **shared: Any) -> None:
        super().__init__(**shared)
        self.join = nn.Sequential(nn.Linear(2 * self.num_features, self.num_features), nn.ReLU())

    def step_size(self, num_mels: int) -> int:
        """A frame of the chunk."""
        return num_mels

    def forward(self, chunks: Tensor) -> Tensor:
        """(N, T, F) -> h (N, D)."""
        return self.dropout(self.join(torch.cat([self.spatial(chunks), self.temporal(chunks).mean(1)], dim=1)))
