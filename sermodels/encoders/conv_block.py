"""The convolution block that Φ is made of.

Shapes: N chunks, T frames, F mel bins of the current map.
"""

from typing import Any

from torch import Tensor, nn

from sermodels.sliced_blocks import Block


class ConvBlock(nn.Sequential):
    """conv3x3(stride)-BN-ReLU (Lin & Busso 2024, table 1)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__(nn.Conv2d(in_channels, out_channels, 3, stride, 1), nn.BatchNorm2d(out_channels), nn.ReLU())

    def sliced(self) -> list[Block]:
        """This block as `through_blocks` takes it."""
        convolution: Any = self[0]
        return [Block(convolution, self.norm)]

    def before_norm(self, x: Tensor) -> Tensor:
        """(N, in, T, F) -> the map that the last normalisation reads."""
        return self[0](x)

    @property
    def norm(self) -> nn.Module:
        """The last normalisation."""
        return self[1]
