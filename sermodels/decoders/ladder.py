"""The way back through a LadderNet: every layer's clean map estimated from its noisy one and from above.

Shapes: N chunks, D = 256 features, K channels of a layer's map; layer 0 is the chunk, layers 1 .. 7 the blocks.
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from sermodels.decoders.decoder import Decoder
from sermodels.decoders.mirror import mirrorable, mirrored_convolutions
from sermodels.encoders.encoder import Encoder
from sermodels.recomputed import recomputed


class Combinator(nn.Module):
    """g(z̃, u) = (z̃ - μ(u)) v(u) + μ(u), with μ and v each a_1 sigmoid(a_2 u + a_3) + a_4 u + a_5 (Rasmus et al. 2015).

    The parameters are a channel's. They start so that g = u, which makes the decoder an autoencoder's (ours).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        start = torch.tensor([0.0, 1.0, 0.0, 1.0, 0.0])
        self.mean = nn.Parameter(start[:, None, None, None].repeat(1, channels, 1, 1))
        start[3] = 0.0
        self.scale = nn.Parameter(start[:, None, None, None].repeat(1, channels, 1, 1))

    def forward(self, noisy: Tensor, above: Tensor) -> Tensor:
        """z̃ and u, (N, K, T', F') each -> ẑ of the same shape."""
        mean, scale = _squashed(self.mean, above), _squashed(self.scale, above)
        return (noisy - mean) * scale + mean


def _squashed(a: Tensor, u: Tensor) -> Tensor:
    # u comes first in every product: the results then have its memory layout, and not the parameters'.
    return torch.sigmoid(u * a[1] + a[2]) * a[0] + u * a[3] + a[4]


class LadderDecoder(Decoder):
    """From the bottleneck down: u_l is the layer above through its transposed convolution, normalised.

    The estimates are compared with the clean maps as they are, for both are on the normalised scale (ours: Rasmus et
    al. first shift and scale an estimate by what the clean path's batch was normalised with).
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        encoder = mirrorable(encoder)
        self.map_shape = encoder.map_shape
        channels, height, width = self.map_shape
        convolutions = mirrored_convolutions(encoder)
        self.top = nn.Linear(encoder.num_features, channels * height * width, bias=False)
        self.convolutions = nn.ModuleList(convolutions)
        downward = [shape[0] for shape in reversed(encoder.map_shapes)]
        self.norms = nn.ModuleList(nn.BatchNorm2d(one, affine=False) for one in downward)
        self.combinators = nn.ModuleList(Combinator(one) for one in downward)

    def forward(self, h: Tensor, noisy_maps: Sequence[Tensor]) -> list[Tensor]:
        """h (N, D) and z̃_0 … z̃_7 -> ẑ_0 … ẑ_7."""
        above = self.top(h).unflatten(1, self.map_shape)
        estimates: list[Tensor] = []
        for step, noisy in enumerate(reversed(noisy_maps)):
            # The losses read every estimate, so these lie there anyway; what is between them would be three maps more.
            above = recomputed(partial(self._estimate, step), noisy, above, norms_of=self.norms[step])
            estimates.append(above)
        return estimates[::-1]

    def _estimate(self, step: int, noisy: Tensor, above: Tensor) -> Tensor:
        """z̃ and the estimate above it, for the first step the bottleneck's map -> ẑ."""
        u = self.convolutions[step - 1](above) if step else above
        return self.combinators[step](noisy, self.norms[step](u))
