"""ACG-EmoCluster (Zhao et al., Sensors 2023): Attn-Conv network and BiGRU, pre-trained on cluster labels.

Shapes: B sentences, C chunks, T frames, F mel bins, D = 256, Q clusters, A attributes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from datamodules.batch import ChunkBatch
from sermodels.arguments import number, one_of
from sermodels.encoders.acg import AXES, COMBINATIONS, ParallelExtractor, SerialExtractor, SpatialExtractor
from sermodels.encoders.recurrent import KINDS
from sermodels.heads import ClusterClassifier, EmotionRegressor
from sermodels.losses import ccc_loss, cluster_loss
from sermodels.module import EmotionModule
from sermodels.optimization import Step, adam_by_phase, cluster_top_step


class ACGEmoCluster(EmotionModule):
    """Spatial and temporal features of every chunk, f_cltr and f_emo on them; loss 1 - CCC + λ CE (eq. 4).

    attention_blocks: which of the seven convolution blocks are Attn-Conv blocks: (1,) ACN-S, (1, 3, 5, 7) ACN-B,
        (1, 2, …, 7) ACN-L, () VGG-16 (table 2).
    recurrent: bigru, gru, lstm, bilstm, or none (tables 2 and 3).
    combination: parallel or serial (table 4); axis: chunks or frames, of a serial recurrence.
    kv_pool: average pooling of attention's keys and values; 1 is the paper's literal attention.
    unsupervised_lr, supervised_lr: Adam's, in U and in L passes (section 4.2); cluster_top_lr is plain SGD's
        on the classifier's last layer.
    """

    needs_whole_sentences = True

    def __init__(
        self,
        num_clusters: int = 10,
        attributes: Sequence[str] = ("arousal",),
        lambda_cluster: float = 1.0,
        attention_blocks: Sequence[int] = (1, 3, 5, 7),
        recurrent: str = "bigru",
        combination: str = "parallel",
        axis: str = "chunks",
        kv_pool: int = 4,
        dropout: float = 0.5,
        unsupervised_lr: float = 1e-3,
        supervised_lr: float = 5e-4,
        cluster_top_lr: float = 0.05,
        num_frames: int = 62,
        num_mels: int = 128,
    ) -> None:
        super().__init__(attributes, {"ccc": 1.0, "cluster": lambda_cluster})
        self.save_hyperparameters()
        number("lambda_cluster", lambda_cluster)
        one_of("recurrent", recurrent, (*KINDS, "none"))
        one_of("combination", combination, COMBINATIONS)
        one_of("axis", axis, AXES)
        if recurrent == "none" and combination != "parallel":
            raise ValueError(
                "combination=serial needs a recurrent network; take recurrent=bigru, or combination=parallel"
            )
        if axis == "frames" and combination == "parallel":
            raise ValueError("axis=frames is of a serial recurrence; take combination=serial too, or axis=chunks")
        number("unsupervised_lr", unsupervised_lr)
        number("supervised_lr", supervised_lr)
        number("cluster_top_lr", cluster_top_lr)
        self.unsupervised_lr, self.supervised_lr = unsupervised_lr, supervised_lr
        self.cluster_top_lr = cluster_top_lr
        self.extractor: nn.Module
        if recurrent == "none":
            self.extractor = SpatialExtractor(attention_blocks, kv_pool, dropout, num_frames, num_mels)
        elif combination == "parallel":
            self.extractor = ParallelExtractor(attention_blocks, kv_pool, recurrent, dropout, num_frames, num_mels)
        else:
            self.extractor = SerialExtractor(attention_blocks, kv_pool, recurrent, axis, dropout, num_frames, num_mels)
        num_features = 256
        self.cluster_classifier = ClusterClassifier(num_features, num_clusters)
        self.emotion_regressor = EmotionRegressor(num_features, len(self.attributes))

    def latents(self, chunks: Tensor) -> Tensor:
        return self.extractor(chunks)

    def regress(self, latents: Tensor) -> Tensor:
        return self.emotion_regressor(latents)

    def embed(self, chunks: Tensor) -> Tensor:
        """(B, C, T, F) -> (B, C, D): what k-means clusters."""
        return self.latents(chunks)

    def utterance_embedding(self, chunks: Tensor) -> Tensor:
        """(B, C, T, F) -> (B, D): the mean latent of a sentence (section 4.1)."""
        return self.latents(chunks).mean(1)

    def reset_cluster_classifier(self, generator: torch.Generator) -> None:
        """Draw the classifier's last layer anew for new clusters."""
        self.cluster_classifier.reset_top(generator)

    def losses(self, batch: ChunkBatch) -> dict[str, Tensor]:
        h = self.latents(batch.chunks)
        losses = {"cluster": cluster_loss(self.cluster_classifier(h), batch.pseudo_labels)}
        if self.is_labeled(batch):
            losses["ccc"] = ccc_loss(self.regress(h), batch.labels)
        return losses

    def optimization_steps(self) -> list[Step]:
        body = [
            *self.extractor.parameters(),
            *self.cluster_classifier.hidden.parameters(),
            *self.emotion_regressor.parameters(),
        ]
        return [
            *adam_by_phase(body, self.unsupervised_lr, self.supervised_lr),
            cluster_top_step(self.cluster_classifier.top, self.cluster_top_lr),
        ]
