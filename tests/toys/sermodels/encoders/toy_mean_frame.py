"""A toy: a chunk's mean frame through one linear layer. What the smallest encoder looks like.

Shapes: N chunks, T frames, F mel bins, D features.
"""

from torch import Tensor, nn

from sermodels.encoders.encoder import Encoder


class MeanFrame(Encoder):
    """num_features: D."""

    def __init__(self, num_features: int = 32, num_frames: int = 62, num_mels: int = 128) -> None:
        super().__init__()
        self.num_features = num_features
        self.linear = nn.Linear(num_mels, num_features)

    def forward(self, chunks: Tensor) -> Tensor:
        """(N, T, F) -> h (N, D)."""
        return self.linear(chunks.mean(1))
