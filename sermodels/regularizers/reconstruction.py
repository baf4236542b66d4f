"""The loss of an autoencoder: the chunk is told again from its features.

Shapes: B sentences, C chunks, T frames, F mel bins, D features.
"""

from typing import Any

from torch import Tensor

from datamodules.batch import LABELED, UNLABELED, ChunkBatch
from sermodels.arguments import number
from sermodels.decoders.decoder import Decoder
from sermodels.encoders.encoder import Encoder
from sermodels.losses import reconstruction_loss
from sermodels.parts import Part, make
from sermodels.regularizers.regularizer import Regularizer


class Reconstruction(Regularizer):
    """w MSE(Φ⁻¹(h), x) on L and on U (Lin & Busso 2024, section 4.3).

    decoder: Φ⁻¹, from h (B, C, D) to chunks (B, C, T, F). weight: w.
    """

    def __init__(self, encoder: Encoder, decoder: Part, weight: float = 1.0) -> None:
        number("weight", weight)
        super().__init__({"reconstruction": weight}, (LABELED, UNLABELED))
        self.decoder = make("decoder", decoder, Decoder, encoder=encoder)

    def forward(self, h: Tensor, batch: ChunkBatch, trace: Any) -> dict[str, Tensor]:
        """The mean squared error of the batch's chunks."""
        return {"reconstruction": reconstruction_loss(self.decoder(h), batch.chunks)}
