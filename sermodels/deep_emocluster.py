"""DeepEmoCluster (Lin, Sridhar & Busso, ICASSP 2021): k-means pseudo-labels beside an emotion regressor.

Shapes: B sentences, C chunks (1 when drawn singly), T frames, F mel bins, D = 256, Q clusters, A attributes.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from datamodules.batch import UNLABELED, ChunkBatch
from sermodels.arguments import number, one_of, switch
from sermodels.encoders.vgg import VGG16
from sermodels.functional import CCC_VARIANCES
from sermodels.heads import ClusterClassifier, EmotionRegressor
from sermodels.losses import ccc_loss, cluster_loss
from sermodels.module import EmotionModule
from sermodels.optimization import OWNERSHIPS, Step, cluster_top_step, sgd_and_adam

EMBEDDINGS = ("latent", "classifier_hidden")


class DeepEmoCluster(EmotionModule):
    """Φ (VGG-16), f_cltr and f_emo, all on single chunks; J = (1 - CCC) + λ CE on L and λ CE on U (eq. 3).

    The temporal models (Lin & Busso 2024) are this one with a temporal net Ψ between Φ and the heads, or with one
    more loss.

    lambda_cluster: λ.
    embedding: what k-means clusters: `latent` is h, Φ's output (paper); `classifier_hidden` the classifier's
        hidden layer before its ReLU, after Ψ if there is one [released].
    freeze_emotion_regressor: in a training that reads U, f_emo is never updated: it is frozen for the U passes and
        stays so [released].
    optimizers, sgd_lr, adam_lr: see sermodels.optimization.sgd_and_adam; cluster_top_lr is the last layer's.
    ccc_variance: see sermodels.functional.concordance.
    attention_blocks, kv_pool: Attn-Conv blocks in Φ, none by default (see VGG16).
    """

    def __init__(
        self,
        num_clusters: int = 10,
        attributes: Sequence[str] = ("arousal",),
        lambda_cluster: float = 1.0,
        dropout: float = 0.5,
        freeze_emotion_regressor: bool = False,
        embedding: str = "latent",
        optimizers: str = "both_on_all",
        sgd_lr: float = 1e-3,
        adam_lr: float = 5e-4,
        cluster_top_lr: float = 0.05,
        ccc_variance: str = "population",
        attention_blocks: Sequence[int] = (),
        kv_pool: int = 4,
        num_frames: int = 62,
        num_mels: int = 128,
    ) -> None:
        super().__init__(attributes, {"ccc": 1.0, "cluster": lambda_cluster})
        self.save_hyperparameters()
        number("lambda_cluster", lambda_cluster)
        one_of("embedding", embedding, EMBEDDINGS)
        switch("freeze_emotion_regressor", freeze_emotion_regressor)
        one_of("optimizers", optimizers, OWNERSHIPS)
        one_of("ccc_variance", ccc_variance, CCC_VARIANCES)
        number("sgd_lr", sgd_lr)
        number("adam_lr", adam_lr)
        number("cluster_top_lr", cluster_top_lr)
        self.embedding = embedding
        self.freeze_emotion_regressor = freeze_emotion_regressor
        self.ownership = optimizers
        self.sgd_lr, self.adam_lr, self.cluster_top_lr = sgd_lr, adam_lr, cluster_top_lr
        self.ccc_variance = ccc_variance
        self.encoder = VGG16(dropout, attention_blocks, kv_pool, num_frames, num_mels)
        self.temporal_net: nn.Module = nn.Identity()  # Ψ
        self.cluster_classifier = ClusterClassifier(self.encoder.num_features, num_clusters)
        self.emotion_regressor = EmotionRegressor(self.encoder.num_features, len(self.attributes))

    def on_fit_start(self) -> None:
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        if self.freeze_emotion_regressor and UNLABELED in data.passes:
            self.emotion_regressor.requires_grad_(False)

    def encode(self, chunks: Tensor) -> Tensor:
        """(B, C, T, F) -> h (B, C, D), Φ's output, every chunk by itself."""
        return self.encoder(chunks.flatten(0, 1)).unflatten(0, chunks.shape[:2])

    def latents(self, chunks: Tensor) -> Tensor:
        return self.temporal_net(self.encode(chunks))

    def regress(self, latents: Tensor) -> Tensor:
        return self.emotion_regressor(latents)

    def embed(self, chunks: Tensor) -> Tensor:
        """(B, C, T, F) -> (B, C, D): what k-means clusters."""
        h = self.encode(chunks)
        return h if self.embedding == "latent" else self.cluster_classifier.hidden(self.temporal_net(h))

    def reset_cluster_classifier(self, generator: torch.Generator) -> None:
        """Draw the classifier's last layer anew for new clusters."""
        self.cluster_classifier.reset_top(generator)

    def losses(self, batch: ChunkBatch) -> dict[str, Tensor]:
        return self.head_losses(self.latents(batch.chunks), batch)

    def head_losses(self, latents: Tensor, batch: ChunkBatch) -> dict[str, Tensor]:
        """The losses of both heads on the latents (B, C, D) of a batch."""
        losses = {"cluster": cluster_loss(self.cluster_classifier(latents), batch.pseudo_labels)}
        if self.is_labeled(batch):
            losses["ccc"] = ccc_loss(self.regress(latents), batch.labels, self.ccc_variance)
        return losses

    def optimization_steps(self) -> list[Step]:
        body = [
            *self.encoder.parameters(),
            *self.temporal_net.parameters(),
            *self.cluster_classifier.hidden.parameters(),
        ]
        outputs = self.emotion_regressor.parameters()
        return [
            *sgd_and_adam(self.ownership, body, outputs, self.sgd_lr, self.adam_lr),
            cluster_top_step(self.cluster_classifier.top, self.cluster_top_lr),
        ]
