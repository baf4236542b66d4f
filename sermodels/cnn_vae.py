"""CNN-VAE: a variational autoencoder with an emotion regressor (Lin & Busso 2024, section 4.3; Latif et al. 2018).

Shapes: B sentences, C chunks (1 when drawn singly), T frames, F mel bins, D = 256, A attributes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from datamodules.batch import ChunkBatch
from sermodels.arguments import number
from sermodels.cnn_regressor import CNNRegressor
from sermodels.decoders.mirror import MirrorDecoder
from sermodels.encoders.initialization import initialize
from sermodels.losses import kl_loss, reconstruction_loss
from sermodels.whole_batch import draw_rows


class CNNVAE(CNNRegressor):
    """q(z|x) = N(μ, σ²) with μ and log σ² linear in h; J = (1 - CCC) + w MSE(Φ⁻¹(z), x) + v KL(q || N(0, 1)).

    MSE and KL together are a negative evidence lower bound (Kingma & Welling 2014, eq. 3): with a Gaussian
    likelihood of variance s² a chunk of T·F points has it at v = 2 s² w / (T·F). On U the term of f_emo is missing.
    f_emo reads z in training and μ in evaluation (ours).

    reconstruction_weight: w. kl_weight: v. All other arguments are CNNRegressor's.
    """

    learns_from_unlabeled = True

    def __init__(
        self,
        attributes: Sequence[str] = ("arousal",),
        dropout: float = 0.5,
        reconstruction_weight: float = 1.0,
        kl_weight: float = 1e-3,
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
        number("kl_weight", kl_weight)
        self.weigh(reconstruction=reconstruction_weight, kl=kl_weight)
        size = self.encoder.num_features
        self.mean, self.log_variance = nn.Linear(size, size), nn.Linear(size, size)
        self.mean.apply(initialize)
        self.log_variance.apply(initialize)
        self.decoder = MirrorDecoder(self.encoder)

    def posterior(self, chunks: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, T, F) -> μ and log σ² of q(z|x), each (B, C, D)."""
        h = super().latents(chunks)
        return self.mean(h), self.log_variance(h)

    def latents(self, chunks: Tensor) -> Tensor:
        return self.code(*self.posterior(chunks))

    def code(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """What f_emo and Φ⁻¹ read: z = μ + σ ε, ε from N(0, 1), in training, μ in evaluation."""
        if not self.training:
            return mean
        return mean + (0.5 * log_variance).exp() * draw_rows(
            lambda shape: torch.randn(tuple(shape), dtype=mean.dtype, device=mean.device), mean.shape
        )

    def losses(self, batch: ChunkBatch) -> dict[str, Tensor]:
        mean, log_variance = self.posterior(batch.chunks)
        z = self.code(mean, log_variance)
        losses = self.emotion_losses(z, batch)
        losses["reconstruction"] = reconstruction_loss(self.decoder(z), batch.chunks)
        losses["kl"] = kl_loss(mean, log_variance)
        return losses
