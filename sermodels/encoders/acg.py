"""ACG's feature extractor: an Attn-Conv network, a recurrent network, and how the two are combined.

Shapes: B sentences, C chunks, T = 62 frames, F = 128 mel bins, D = 256 features.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sermodels.arguments import probability
from sermodels.encoders.recurrent import Recurrent
from sermodels.encoders.vgg import VGG16
from sermodels.whole_batch import Dropout

COMBINATIONS = ("parallel", "serial")
AXES = ("chunks", "frames")


class SpatialExtractor(nn.Module):
    """The Attn-Conv network alone, without a recurrent branch (Zhao et al. 2023, table 2)."""

    def __init__(self, blocks: Sequence[int], kv_pool: int, dropout: float, num_frames: int, num_mels: int) -> None:
        super().__init__()
        self.network = VGG16(dropout, blocks, kv_pool, num_frames, num_mels)

    def forward(self, chunks: Tensor) -> Tensor:
        """(B, C, T, F) -> (B, C, D)."""
        return self.network(chunks.flatten(0, 1)).unflatten(0, chunks.shape[:2])


class ParallelExtractor(nn.Module):
    """Both networks on the raw spectrogram chunk, their features joined (Zhao et al. 2023, section 4.4, [p]).

    The recurrent features are the mean over a chunk's frames. Joining is a concatenation and Linear-ReLU-Dropout
    (ours): concatenated raw, the convolutional features' far larger variance would rule the k-means. The joining
    layer keeps PyTorch's initialisation, as the recurrent one does.
    """

    def __init__(
        self,
        blocks: Sequence[int],
        kv_pool: int,
        recurrent: str,
        dropout: float,
        num_frames: int,
        num_mels: int,
    ) -> None:
        super().__init__()
        probability("dropout", dropout)
        self.spatial = VGG16(0.0, blocks, kv_pool, num_frames, num_mels)
        size = self.spatial.num_features
        self.temporal = Recurrent(recurrent, num_mels, size)
        self.join = nn.Sequential(nn.Linear(2 * size, size), nn.ReLU(), Dropout(dropout))

    def forward(self, chunks: Tensor) -> Tensor:
        """(B, C, T, F) -> (B, C, D)."""
        flat = chunks.flatten(0, 1)
        features = torch.cat([self.spatial(flat), self.temporal(flat).mean(1)], dim=1)
        return self.join(features).unflatten(0, chunks.shape[:2])


class SerialExtractor(nn.Module):
    """The recurrent network on the Attn-Conv network's output (Zhao et al. 2023, section 4.4, [s]).

    axis: `chunks` — over the C chunk vectors of a sentence (ours: the map has two time steps left);
        `frames` — over those time steps of each chunk's map, averaged.
    """

    def __init__(
        self,
        blocks: Sequence[int],
        kv_pool: int,
        recurrent: str,
        axis: str,
        dropout: float,
        num_frames: int,
        num_mels: int,
    ) -> None:
        super().__init__()
        self.axis = axis
        self.spatial = VGG16(dropout, blocks, kv_pool, num_frames, num_mels)
        channels, _, height = self.spatial.map_shape
        size = self.spatial.num_features
        self.dropout = Dropout(dropout) if axis == "frames" else nn.Identity()
        if axis == "frames":
            # The map itself goes into the recurrence, so the layer that would have flattened it has no use.
            self.spatial.output = nn.Identity()
        self.temporal = Recurrent(recurrent, size if axis == "chunks" else channels * height, size)

    def forward(self, chunks: Tensor) -> Tensor:
        """(B, C, T, F) -> (B, C, D)."""
        flat = chunks.flatten(0, 1)
        if self.axis == "chunks":
            return self.temporal(self.spatial(flat).unflatten(0, chunks.shape[:2]))
        steps = self.spatial.feature_map(flat).transpose(1, 2).flatten(2)  # (B·C, 2, 128·4)
        return self.dropout(self.temporal(steps).mean(1)).unflatten(0, chunks.shape[:2])
