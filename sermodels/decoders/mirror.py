"""Φ⁻¹: from the bottleneck back to the spectrogram chunk, the encoder's shapes in reverse.

Shapes: N chunks, T = 62 frames, F = 128 mel bins, D = 256 features.
"""

from typing import Any

import torch
from torch import Tensor, nn

from sermodels.decoders.decoder import Decoder
from sermodels.encoders.encoder import Encoder
from sermodels.encoders.vgg import STRIDES, VGG16
from sermodels.sliced_blocks import Block, through_blocks

KERNEL = 3


def mirrorable(encoder: Encoder) -> VGG16:
    """The encoder itself. Raises ValueError for one whose maps cannot be gone through in reverse."""
    if not isinstance(encoder, VGG16):
        raise ValueError(f"{type(encoder).__name__} has no maps to mirror; take encoder=vgg16, or one made of it")
    return encoder


def mirrored_convolutions(encoder: VGG16) -> list[nn.ConvTranspose2d]:
    """One transposed convolution for each of the encoder's, the last first, each back to the size its twin read.

    2x4 -> 4x8 -> 8x16 -> 16x32 -> 31x64 -> 62x128, then two of stride 1 (Lin & Busso 2024, section 4.3). Where
    an odd size was halved, `output_padding` makes it odd again. None has a bias, for all but the very last are
    normalised next.
    """
    read, made = encoder.map_shapes[:-1], encoder.map_shapes[1:]
    convolutions = []
    for (back, *size), (channels, height, width), stride in zip(read, made, STRIDES, strict=True):
        rounded_up = (size[0] - (height - 1) * stride - 1, size[1] - (width - 1) * stride - 1)
        convolutions.append(
            nn.ConvTranspose2d(channels, back, KERNEL, stride, padding=1, output_padding=rounded_up, bias=False)
        )
    return convolutions[::-1]


class MirrorDecoder(Decoder):
    """Linear-ReLU back to the last map, six blocks transposed conv3x3-BN-ReLU, and a linear seventh.

    The paper reverses the encoder and is silent on the rest: the last layer is linear, for features are z-normalised
    and take both signs; weights start as PyTorch's do (ours).
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        encoder = mirrorable(encoder)
        self.map_shape = encoder.map_shape
        channels, height, width = self.map_shape
        self.input = nn.Sequential(nn.Linear(encoder.num_features, channels * height * width), nn.ReLU())
        *hidden, last = mirrored_convolutions(encoder)
        self.blocks = nn.Sequential(
            *(nn.Sequential(conv, nn.BatchNorm2d(conv.out_channels), nn.ReLU()) for conv in hidden), last
        )
        self.offset = nn.Parameter(torch.zeros(()))

    def forward(self, h: Tensor) -> Tensor:
        """(…, D), one dimension or more before D -> chunks (…, T, F); all of them are one batch to the norms."""
        maps = self.input(h.flatten(0, -2)).unflatten(1, self.map_shape)
        hidden: Any = self.blocks[:-1]
        maps = through_blocks(maps, hidden, [Block(convolution, norm) for convolution, norm, _ in hidden])
        return self.blocks[-1](maps).squeeze(1).unflatten(0, h.shape[:-1]) + self.offset
