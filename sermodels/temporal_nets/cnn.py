"""Ψ of Temp-CNN: two convolution blocks over the map that a sentence's chunk vectors make.

Shapes: B sentences, C chunks, D = 256 features; the map is (C, D) with one channel.
"""

from torch import Tensor, nn

from sermodels.arguments import probability, whole_number
from sermodels.encoders.initialization import initialize
from sermodels.temporal_nets.temporal_net import TemporalNet
from sermodels.whole_batch import Dropout

KERNEL = 5


class TemporalCNN(TemporalNet):
    """Two blocks conv5x5-BN-ReLU over (C, D), then dropout (Lin & Busso 2024, section 4.3).

    channels: of the first block (16 in the paper).
    output_channels: of the second: 16 (paper), or 1 [released]. The paper does not say how 16 maps become the one
        the heads read; a 1x1 convolution does it here (ours), linear and with PyTorch's own initialisation.
    """

    def __init__(self, channels: int = 16, output_channels: int = 16, dropout: float = 0.3) -> None:
        super().__init__()
        whole_number("channels", channels, 1)
        whole_number("output_channels", output_channels, 1)
        probability("dropout", dropout)
        self.blocks = nn.Sequential(_block(1, channels), _block(channels, output_channels))
        self.blocks.apply(initialize)
        self.merge = nn.Conv2d(output_channels, 1, 1) if output_channels > 1 else nn.Identity()
        self.dropout = Dropout(dropout)

    def forward(self, h: Tensor) -> Tensor:
        """(B, C, D) -> z (B, C, D)."""
        return self.dropout(self.merge(self.blocks(h.unsqueeze(1)))).squeeze(1)


def _block(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, KERNEL, padding=KERNEL // 2), nn.BatchNorm2d(out_channels), nn.ReLU()
    )
