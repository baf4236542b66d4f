"""BEGAN's decoder, which is its generator too: from a code to a spectrogram chunk (Berthelot et al. 2017).

Shapes: N chunks, T = 32 frames, F = 512 bins, D features of the code.
"""

from torch import Tensor, nn

from sermodels.decoders.decoder import Decoder
from sermodels.encoders.encoder import Encoder
from sermodels.encoders.pyramid import PyramidEncoder
from sermodels.initial_weights import xavier


class PyramidDecoder(Decoder):
    """A linear layer to n maps, then the encoder's levels upwards: two conv3x3-ELU, n channels, nearest upsampling.

    A last conv3x3 and tanh give values in (-1, 1) [ours], the range of features.reference's decibels.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        if not isinstance(encoder, PyramidEncoder):
            raise ValueError(f"{type(encoder).__name__} is no pyramid to be gone up again; take encoder=pyramid")
        n = encoder.num_filters
        self.map_shape = (n, *encoder.sizes[-1])
        self.input = nn.Linear(encoder.num_features, n * encoder.sizes[-1][0] * encoder.sizes[-1][1])
        layers: list[nn.Module] = []
        for below in [*encoder.sizes[-2::-1], None]:
            layers += [nn.Conv2d(n, n, 3, padding=1), nn.ELU(), nn.Conv2d(n, n, 3, padding=1), nn.ELU()]
            if below is not None:
                layers.append(nn.Upsample(size=below, mode="nearest"))
        self.blocks = nn.Sequential(*layers, nn.Conv2d(n, 1, 3, padding=1), nn.Tanh())
        xavier(self)

    def forward(self, h: Tensor) -> Tensor:
        """(…, D) -> (…, T, F)."""
        maps = self.input(h.flatten(0, -2)).unflatten(1, self.map_shape)
        return self.blocks(maps).squeeze(1).unflatten(0, h.shape[:-1])
