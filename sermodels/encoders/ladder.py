"""The two paths of a LadderNet through Φ: one with noise on every normalised map, one without.

Shapes: N chunks, T frames, F mel bins, K channels of a map; layer 0 is the chunk, layers 1 .. 7 the blocks.
"""

from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from sermodels.arguments import number
from sermodels.encoders.vgg import VGG16
from sermodels.recomputed import StatisticsUntouched, recomputed
from sermodels.whole_batch import draw_rows


class LadderPath(NamedTuple):
    """What a path leaves behind."""

    maps: list[Tensor]
    """z_0 … z_7, each (N, K, T', F'): the chunk and the blocks' maps, normalised, before scale, shift and ReLU."""
    top: Tensor
    """(N, K, T', F'), the last block's output."""


class LadderPaths(NamedTuple):
    """The maps of both paths, z̃_0 … z̃_7 and z_0 … z_7."""

    noisy: list[Tensor]
    clean: list[Tensor]


class LadderVGG16(VGG16):
    """VGG16 that losses read with Gaussian noise on the chunk and on every normalised map (Rasmus et al. 2015).

    In evaluation there is no noise. The features have none of their own beside their dropout (ours).

    noise_std: of the noise. All other options are VGG16's.
    """

    def __init__(self, noise_std: float = 0.3, **vgg16: Any) -> None:
        super().__init__(**vgg16)
        number("noise_std", noise_std)
        self.noise_std = noise_std

    def traced(self, chunks: Tensor) -> tuple[Tensor, LadderPaths]:
        """(N, T, F) -> h (N, D) of the noisy path, and the maps of both."""
        noisy, clean = noisy_path(self, chunks, self.noise_std), clean_path(self, chunks)
        return self.output(noisy.top.flatten(1)), LadderPaths(noisy.maps, clean.maps)


def clean_path(encoder: VGG16, chunks: Tensor) -> LadderPath:
    """(N, T, F) through Φ as it is; in training the running statistics are this path's."""
    return _path(encoder, chunks, 0.0)


def noisy_path(encoder: VGG16, chunks: Tensor, noise_std: float) -> LadderPath:
    """(N, T, F) through Φ with Gaussian noise on z_0 … z_7 (Rasmus et al. 2015, algorithm 1).

    Each path is normalised by its own batch; the running statistics, which evaluation uses, do not see the noise.
    """
    with StatisticsUntouched(encoder):
        return _path(encoder, chunks, noise_std)


def _path(encoder: VGG16, chunks: Tensor, noise_std: float) -> LadderPath:
    maps = [_noisy(chunks.unsqueeze(1), noise_std)]
    before: Any = None
    block: Any  # a ConvBlock or an AttnConvBlock
    for block in encoder.blocks:
        # The losses read every z, so these lie there anyway; what is between two of them would be three maps more.
        z = recomputed(partial(_normalized, before, block), maps[-1], norms_of=block)
        maps.append(_noisy(z, noise_std))
        before = block
    return LadderPath(maps, _activated(before, maps[-1]))


def _normalized(before: Any, block: Any, z: Tensor) -> Tensor:
    """From the z of the block before, or the chunk, to the block's own, without noise."""
    return _normalize(block.norm, block.before_norm(z if before is None else _activated(before, z)))


def _activated(block: Any, z: Tensor) -> Tensor:
    """What a block gives the next."""
    return (z * block.norm.weight[:, None, None] + block.norm.bias[:, None, None]).relu()


def _noisy(z: Tensor, noise_std: float) -> Tensor:
    if noise_std == 0:
        return z
    # Drawn in the order channels-last maps have in memory: drawing into strided memory takes four times as long.
    count, channels, height, width = z.shape
    noise = draw_rows(
        lambda shape: torch.randn(tuple(shape), dtype=z.dtype, device=z.device), (count, height, width, channels)
    )
    return z + noise_std * noise.permute(0, 3, 1, 2)


def _normalize(norm: nn.Module, x: Tensor) -> Tensor:
    """Batch normalisation without its scale and shift, by whatever class of module does it."""
    weight = norm.get_parameter("weight")
    plain = {"weight": torch.ones_like(weight), "bias": torch.zeros_like(weight)}
    normalized: Tensor = functional_call(norm, plain, (x,))
    return normalized
