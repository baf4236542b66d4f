"""The losses of a LadderNet: every layer's clean map is told from its noisy one and from the layer above.

Shapes: B sentences, C chunks, D features; layer 0 is the chunk, layers 1 .. 7 the blocks' normalised maps.
"""

from collections.abc import Sequence

from torch import Tensor

from datamodules.batch import LABELED, UNLABELED, ChunkBatch
from sermodels.arguments import numbers
from sermodels.decoders.decoder import Decoder
from sermodels.encoders.encoder import Encoder
from sermodels.encoders.ladder import LadderPaths, LadderVGG16
from sermodels.losses import reconstruction_loss
from sermodels.parts import Part, make
from sermodels.regularizers.regularizer import Regularizer

WEIGHTS = (1.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)


class Denoising(Regularizer):
    """Σ_l w_l MSE(ẑ_l, z_l) on L and on U (Rasmus et al. 2015, algorithm 1), of a ladder encoder.

    decoder: from h and the noisy maps to an estimate of every clean one. weights: w_0 … w_7.
    Raises ValueError for another encoder.
    """

    def __init__(self, encoder: Encoder, decoder: Part, weights: Sequence[float] = WEIGHTS) -> None:
        if not isinstance(encoder, LadderVGG16):
            raise ValueError(f"{type(encoder).__name__} has no noisy path; take encoder=ladder")
        numbers("weights", weights, len(encoder.map_shapes))
        super().__init__({f"denoising_{layer}": one for layer, one in enumerate(weights)}, (LABELED, UNLABELED))
        self.decoder = make("decoder", decoder, Decoder, encoder=encoder)

    def forward(self, h: Tensor, batch: ChunkBatch, trace: LadderPaths) -> dict[str, Tensor]:
        """The mean squared error of every layer's estimate."""
        sentences = h.shape[:2]
        estimates = self.decoder(h.flatten(0, 1), trace.noisy)
        return {
            f"denoising_{layer}": reconstruction_loss(estimate.unflatten(0, sentences), target.unflatten(0, sentences))
            for layer, (estimate, target) in enumerate(zip(estimates, trace.clean, strict=True))
        }
