"""CNN-regressor: the supervised baseline (Lin et al. 2021; Lin & Busso 2024, section 4.3).

Shapes: B sentences, C chunks (1 when drawn singly), T frames, F mel bins, D = 256, A attributes.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from datamodules.batch import ChunkBatch
from sermodels.arguments import number, one_of
from sermodels.encoders.vgg import VGG16
from sermodels.functional import CCC_VARIANCES
from sermodels.heads import EmotionRegressor
from sermodels.losses import ccc_loss
from sermodels.module import EmotionModule
from sermodels.optimization import OWNERSHIPS, Step, sgd_and_adam


class CNNRegressor(EmotionModule):
    """Φ (VGG-16) and f_emo on single chunks; J = 1 - CCC. It has nothing to learn from U.

    The reconstruction baselines are this one with a decoder.

    optimizers, sgd_lr, adam_lr: see sermodels.optimization.sgd_and_adam.
    ccc_variance: see sermodels.functional.concordance.
    attention_blocks, kv_pool: Attn-Conv blocks in Φ, none by default (see VGG16).
    """

    learns_from_unlabeled = False

    def __init__(
        self,
        attributes: Sequence[str] = ("arousal",),
        dropout: float = 0.5,
        optimizers: str = "both_on_all",
        sgd_lr: float = 1e-3,
        adam_lr: float = 5e-4,
        ccc_variance: str = "population",
        attention_blocks: Sequence[int] = (),
        kv_pool: int = 4,
        num_frames: int = 62,
        num_mels: int = 128,
    ) -> None:
        super().__init__(attributes, {"ccc": 1.0})
        self.save_hyperparameters()
        one_of("optimizers", optimizers, OWNERSHIPS)
        one_of("ccc_variance", ccc_variance, CCC_VARIANCES)
        number("sgd_lr", sgd_lr)
        number("adam_lr", adam_lr)
        self.ownership = optimizers
        self.sgd_lr, self.adam_lr = sgd_lr, adam_lr
        self.ccc_variance = ccc_variance
        self.encoder = VGG16(dropout, attention_blocks, kv_pool, num_frames, num_mels)
        self.decoder: nn.Module = nn.Identity()  # Φ⁻¹, of the baselines that have one
        self.emotion_regressor = EmotionRegressor(self.encoder.num_features, len(self.attributes))

    def latents(self, chunks: Tensor) -> Tensor:
        return self.encoder(chunks.flatten(0, 1)).unflatten(0, chunks.shape[:2])

    def regress(self, latents: Tensor) -> Tensor:
        return self.emotion_regressor(latents)

    def losses(self, batch: ChunkBatch) -> dict[str, Tensor]:
        return self.emotion_losses(self.latents(batch.chunks), batch)

    def emotion_losses(self, latents: Tensor, batch: ChunkBatch) -> dict[str, Tensor]:
        """The regressor's loss on the latents (B, C, D) of a batch; nothing where it has no labels."""
        if not self.is_labeled(batch):
            return {}
        return {"ccc": ccc_loss(self.regress(latents), batch.labels, self.ccc_variance)}

    def optimization_steps(self) -> list[Step]:
        outputs = [*self.emotion_regressor.parameters(), *self.decoder.parameters()]
        body = [p for p in self.parameters() if not any(p is other for other in outputs)]
        return sgd_and_adam(self.ownership, body, outputs, self.sgd_lr, self.adam_lr)
