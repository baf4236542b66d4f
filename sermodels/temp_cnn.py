"""Temp-CNN (Lin & Busso, Speech Communication 2024): DeepEmoCluster with convolutions over a sentence's chunks.

Shapes: B sentences, C chunks, T frames, F mel bins, D = 256, Q clusters, A attributes.
"""

from collections.abc import Sequence

from sermodels.deep_emocluster import DeepEmoCluster
from sermodels.temporal_nets.cnn import TemporalCNN


class TempCNN(DeepEmoCluster):
    """Ψ is two 5x5 convolution blocks over the (C, D) map of the chunk vectors (section 4.3).

    The heads read z = Ψ(h_1 … h_C) (eqs. 4, 5).

    temporal_channels, temporal_output_channels, temporal_dropout: see TemporalCNN. All others are DeepEmoCluster's.
    """

    needs_whole_sentences = True

    def __init__(
        self,
        num_clusters: int = 10,
        attributes: Sequence[str] = ("arousal",),
        lambda_cluster: float = 1.0,
        dropout: float = 0.5,
        temporal_channels: int = 16,
        temporal_output_channels: int = 16,
        temporal_dropout: float = 0.3,
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
        super().__init__(
            num_clusters=num_clusters,
            attributes=attributes,
            lambda_cluster=lambda_cluster,
            dropout=dropout,
            embedding=embedding,
            optimizers=optimizers,
            sgd_lr=sgd_lr,
            adam_lr=adam_lr,
            cluster_top_lr=cluster_top_lr,
            ccc_variance=ccc_variance,
            attention_blocks=attention_blocks,
            kv_pool=kv_pool,
            num_frames=num_frames,
            num_mels=num_mels,
        )
        self.temporal_net = TemporalCNN(temporal_channels, temporal_output_channels, temporal_dropout)
