"""CNN-LadderNet: denoising at every layer (Rasmus et al. 2015; for speech emotion Parthasarathy & Busso 2020).

Shapes: B sentences, C chunks (1 when drawn singly), T frames, F mel bins, D = 256, A attributes, N = B·C chunks.
"""

from collections.abc import Sequence

from torch import Tensor

from datamodules.batch import ChunkBatch
from sermodels.arguments import number, numbers
from sermodels.cnn_regressor import CNNRegressor
from sermodels.decoders.ladder import LadderDecoder
from sermodels.encoders.ladder import clean_path, noisy_path
from sermodels.losses import reconstruction_loss

# Layers 0 .. 7: the chunk itself and the normalised maps of the seven convolution blocks.
DENOISING_WEIGHTS = (1.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)


class CNNLadderNet(CNNRegressor):
    """A noisy and a clean path through Φ, a decoder with lateral combinators, and a denoising cost at every layer.

    J = (1 - CCC) + Σ_l w_l MSE(ẑ_l, z_l) on L, the sum alone on U (Rasmus et al. 2015, algorithm 1). In training
    f_emo reads the noisy path, in evaluation there is no noise. Layer 0 is the chunk; the bottleneck has no noise of
    its own beside its dropout (ours).

    noise_std: of the Gaussian noise on the chunk and on every normalised map.
    denoising_weights: w_0 … w_7.
    All other arguments are CNNRegressor's.
    """

    learns_from_unlabeled = True

    def __init__(
        self,
        attributes: Sequence[str] = ("arousal",),
        dropout: float = 0.5,
        noise_std: float = 0.3,
        denoising_weights: Sequence[float] = DENOISING_WEIGHTS,
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
        layers = len(self.encoder.map_shapes)
        numbers("denoising_weights", denoising_weights, layers)
        number("noise_std", noise_std)
        self.noise_std = noise_std
        self.weigh(**{f"denoising_{layer}": weight for layer, weight in enumerate(denoising_weights)})
        self.decoder = LadderDecoder(self.encoder)

    def losses(self, batch: ChunkBatch) -> dict[str, Tensor]:
        sentences, chunks = batch.chunks.shape[:2], batch.chunks.flatten(0, 1)
        noisy = noisy_path(self.encoder, chunks, self.noise_std)
        clean = clean_path(self.encoder, chunks)
        h = self.encoder.output(noisy.top.flatten(1))
        losses = self.emotion_losses(h.unflatten(0, sentences), batch)
        estimates = self.decoder(h, noisy.maps)
        for layer, (estimate, target) in enumerate(zip(estimates, clean.maps, strict=True)):
            estimate, target = estimate.unflatten(0, sentences), target.unflatten(0, sentences)
            losses[f"denoising_{layer}"] = reconstruction_loss(estimate, target)
        return losses
