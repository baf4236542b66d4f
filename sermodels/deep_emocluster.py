"""DeepEmoCluster (Lin, Sridhar & Busso, ICASSP 2021): k-means pseudo-labels beside an emotion regressor.

Shapes: B sentences, C chunks (1 when drawn singly), T frames, F mel bins, D features, Q clusters, O outputs of the
task.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from datamodules.batch import UNLABELED, ChunkBatch
from sermodels.arguments import number, one_of, switch
from sermodels.encoders.encoder import Encoder
from sermodels.heads import ClusterClassifier, EmotionRegressor
from sermodels.losses import cluster_loss
from sermodels.module import EmotionModule
from sermodels.optimizations.optimization import Optimization, Parameters, Step, cluster_top_step
from sermodels.parts import Part, make
from sermodels.temporal_nets.temporal_net import TemporalNet

EMBEDDINGS = ("encoder", "temporal_net", "classifier_hidden", "sentence_mean")


class DeepEmoCluster(EmotionModule):
    """Φ, Ψ, f_cltr and f_emo; J = (1 - CCC) + λ CE on L (eq. 3), CE on U, and the regularizers' losses.

    λ weighs the joint loss alone (Lin & Busso 2024, algorithm 1, lines 16 and 23), so λ = 0 is pre-training on U and
    the CCC alone on L.

    The vanilla model has VGG-16 for Φ and no Ψ: everything on single chunks. The temporal models (Lin & Busso 2024)
    and ACG-EmoCluster (Zhao et al. 2023) are other choices of Φ, Ψ, regularizers and optimizers; any other
    combination is a command line.

    encoder, temporal_net, optimization: Φ, Ψ and the optimizers, parts; see the folders of sermodels.
    regularizers: name -> part, see sermodels.regularizers.
    num_clusters: Q. lambda_cluster: λ.
    embedding: what k-means clusters: `encoder`, Φ's output h (paper); `temporal_net`, Ψ's output;
        `classifier_hidden`, the classifier's hidden layer before its ReLU [released]; `sentence_mean`, the mean of Ψ's
        output over a sentence, whose chunks are then all of one cluster (a reading of Zhao et al. 2023, section 4.1).
    freeze_emotion_regressor: in a training that reads U, f_emo is never updated: it is frozen for the U passes and
        stays so [released].
    cluster_top_lr: of the plain SGD on the classifier's last layer.
    num_frames, num_mels: T and F.
    """

    defaults = {
        **EmotionModule.defaults,
        "encoder": {"_target_": "sermodels.encoders.vgg.VGG16"},
        "temporal_net": {"_target_": "sermodels.temporal_nets.temporal_net.NoTemporalNet"},
        "regularizers": {},
        "optimization": {"_target_": "sermodels.optimizations.sgd_and_adam.SGDAndAdam"},
        "embedding": "encoder",
    }

    def __init__(
        self,
        num_clusters: int = 10,
        task: Part | None = None,
        encoder: Part | None = None,
        temporal_net: Part | None = None,
        regularizers: Mapping[str, Part] | None = None,
        optimization: Part | None = None,
        lambda_cluster: float = 1.0,
        embedding: str | None = None,
        freeze_emotion_regressor: bool = False,
        cluster_top_lr: float = 0.05,
        num_frames: int = 62,
        num_mels: int = 128,
    ) -> None:
        task, encoder = self.own("task", task), self.own("encoder", encoder)
        temporal_net = self.own("temporal_net", temporal_net)
        regularizers, optimization = self.own("regularizers", regularizers), self.own("optimization", optimization)
        embedding = self.own("embedding", embedding)
        super().__init__(task)
        self.save_hyperparameters()
        number("lambda_cluster", lambda_cluster)
        one_of("embedding", embedding, EMBEDDINGS)
        switch("freeze_emotion_regressor", freeze_emotion_regressor)
        number("cluster_top_lr", cluster_top_lr)
        self.loss_weights["cluster"] = lambda_cluster
        self.unlabeled_weights["cluster"] = 1.0
        self.embedding = embedding
        self.freeze_emotion_regressor = freeze_emotion_regressor
        self.cluster_top_lr = cluster_top_lr
        self.encoder = make("encoder", encoder, Encoder, num_frames=num_frames, num_mels=num_mels)
        size = self.encoder.num_features
        self.cluster_classifier = ClusterClassifier(size, num_clusters)
        self.emotion_regressor = EmotionRegressor(size, self.task.num_outputs)
        self.temporal_net = make("temporal_net", temporal_net, TemporalNet, num_features=size)
        self.regularize(regularizers, self.encoder)
        self.optimization = make("optimization", optimization, Optimization)

    @property
    def learns_from_unlabeled(self) -> bool:
        """By its clusters."""
        return True

    @property
    def needs_whole_sentences(self) -> bool:
        """As Ψ or a regularizer does."""
        return self.temporal_net.needs_whole_sentences or super().needs_whole_sentences

    def on_fit_start(self) -> None:
        """Freeze f_emo where the released program does."""
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        if self.freeze_emotion_regressor and UNLABELED in data.passes:
            self.emotion_regressor.requires_grad_(False)

    def encode(self, chunks: Tensor) -> Tensor:
        """(B, C, T, F) -> h (B, C, D), Φ's output, every chunk by itself."""
        return self.encoder(chunks.flatten(0, 1)).unflatten(0, chunks.shape[:2])

    def latents(self, chunks: Tensor) -> Tensor:
        """(B, C, T, F) -> z = Ψ(h) (B, C, D)."""
        return self.temporal_net(self.encode(chunks))

    def regress(self, latents: Tensor) -> Tensor:
        """(B, C, D) -> (B, C, O)."""
        return self.emotion_regressor(latents)

    def embed(self, chunks: Tensor) -> Tensor:
        """(B, C, T, F) -> (B, C, D): what k-means clusters."""
        h = self.encode(chunks)
        if self.embedding == "encoder":
            return h
        z = self.temporal_net(h)
        if self.embedding == "sentence_mean":
            return z.mean(1, keepdim=True).expand_as(z)
        return z if self.embedding == "temporal_net" else self.cluster_classifier.hidden(z)

    def reset_cluster_classifier(self, generator: torch.Generator) -> None:
        """Draw the classifier's last layer anew for new clusters."""
        self.cluster_classifier.reset_top(generator)

    def losses(self, batch: ChunkBatch) -> dict[str, Tensor]:
        """The cross-entropy of the clusters, on L the task's loss, and the regularizers'."""
        h, trace = self.encoder.traced(batch.chunks.flatten(0, 1))
        h = h.unflatten(0, batch.chunks.shape[:2])
        z = self.temporal_net(h)
        clusters = {"cluster": cluster_loss(self.cluster_classifier(z), batch.pseudo_labels)}
        return clusters | self.emotion_losses(z, batch) | self.regularizing_losses(h, batch, trace)

    def optimization_steps(self) -> list[Step]:
        """As the optimization plans them, and one of its own for the classifier's last layer."""
        parameters = Parameters(
            [*self.encoder.parameters(), *self.temporal_net.parameters()],
            [*self.cluster_classifier.hidden.parameters()],
            [*self.emotion_regressor.parameters(), *self.regularizers.parameters()],
        )
        top = self.cluster_classifier.top.parameters()
        return [*self.optimization.steps(parameters), cluster_top_step(top, self.cluster_top_lr)]
