"""BEGAN's encoder: a pyramid of maps, each level half as large and with more channels (Berthelot et al. 2017).

Shapes: N chunks, T = 32 frames, F = 512 bins, K channels and H x W of the last map, D = 128 features.
"""

from torch import Tensor, nn

from sermodels.arguments import whole_number
from sermodels.encoders.encoder import Encoder
from sermodels.initial_weights import xavier


class PyramidEncoder(Encoder):
    """conv3x3-ELU, then levels of two conv3x3-ELU, n, 2n, 3n … channels, each but the last halved by conv3x3 stride 2.

    A linear layer makes the code of the last map; nothing follows it. Pereira et al. (2018) do not state a network:
    this is the one of Berthelot et al. (2017, section 3), whose code has D features. Weights begin by `xavier` [ours].

    num_filters: n. num_levels: of the pyramid; 5 make 2 x 32 of 32 x 512. num_features: D.
    num_frames, num_mels: T and F.
    """

    def __init__(
        self,
        num_filters: int = 64,
        num_levels: int = 5,
        num_features: int = 128,
        num_frames: int = 32,
        num_mels: int = 512,
    ) -> None:
        super().__init__()
        whole_number("num_filters", num_filters, 1)
        whole_number("num_levels", num_levels, 1)
        whole_number("num_features", num_features, 1)
        self.num_filters, self.num_features = num_filters, num_features
        layers: list[nn.Module] = [nn.Conv2d(1, num_filters, 3, padding=1), nn.ELU()]
        height, width, channels = num_frames, num_mels, num_filters
        self.sizes = [(height, width)]
        """H x W of every level, the input's first."""
        for level in range(1, num_levels + 1):
            for before in (channels, num_filters * level):
                layers += [nn.Conv2d(before, num_filters * level, 3, padding=1), nn.ELU()]
            channels = num_filters * level
            if level < num_levels:
                if min(height, width) < 2:
                    raise ValueError(f"num_levels is {level} at most for chunks of {num_frames} x {num_mels}")
                layers += [nn.Conv2d(channels, channels, 3, stride=2, padding=1), nn.ELU()]
                height, width = -(-height // 2), -(-width // 2)
                self.sizes.append((height, width))
        self.blocks = nn.Sequential(*layers)
        self.map_shape = (channels, height, width)
        self.output = nn.Linear(channels * height * width, num_features)
        xavier(self)

    def feature_map(self, chunks: Tensor) -> Tensor:
        """(N, T, F) -> (N, K, H, W), the last level's map."""
        return self.blocks(chunks.unsqueeze(1))

    def forward(self, chunks: Tensor) -> Tensor:
        """(N, T, F) -> the code (N, D)."""
        return self.output(self.feature_map(chunks).flatten(1))
