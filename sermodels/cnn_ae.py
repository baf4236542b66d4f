"""CNN-AE: an autoencoder whose bottleneck also tells the emotion (Lin & Busso 2024, section 4.3; Deng et al. 2018).

Shapes: B sentences, C chunks (1 when drawn singly), T frames, F mel bins, D = 256, A attributes.
"""

from collections.abc import Sequence

from torch import Tensor

from datamodules.batch import ChunkBatch
from sermodels.arguments import number
from sermodels.cnn_regressor import CNNRegressor
from sermodels.decoders.mirror import MirrorDecoder
from sermodels.losses import reconstruction_loss


class CNNAE(CNNRegressor):
    """Φ, its mirror Φ⁻¹ and f_emo; J = (1 - CCC) + w MSE(Φ⁻¹(h), x) on L and w MSE on U.

    reconstruction_weight: w. All other arguments are CNNRegressor's.
    """

    learns_from_unlabeled = True

    def __init__(
        self,
        attributes: Sequence[str] = ("arousal",),
        dropout: float = 0.5,
        reconstruction_weight: float = 1.0,
        optimizers: str = "both_on_all",
        sgd_lr: float = 1e-3,
        adam_lr: float = 5e-4,
        ccc_variance: str = "population",
        attention_blocks: Sequence[int] = (),
        kv_pool: int = 4,
        num_frames: int = 62,
        num_mels: int = 128,
    ) -> None:
        super().__init__(
            attributes=attributes,
            dropout=dropout,
            optimizers=optimizers,
            sgd_lr=sgd_lr,
            adam_lr=adam_lr,
            ccc_variance=ccc_variance,
            attention_blocks=attention_blocks,
            kv_pool=kv_pool,
            num_frames=num_frames,
            num_mels=num_mels,
        )
        number("reconstruction_weight", reconstruction_weight)
        self.weigh(reconstruction=reconstruction_weight)
        self.decoder = MirrorDecoder(self.encoder)

    def losses(self, batch: ChunkBatch) -> dict[str, Tensor]:
        h = self.latents(batch.chunks)
        losses = self.emotion_losses(h, batch)
        losses["reconstruction"] = reconstruction_loss(self.decoder(h), batch.chunks)
        return losses
