"""Temp-Triplet (Lin & Busso, Speech Communication 2024): DeepEmoCluster that keeps neighbouring chunks together.

Shapes: B sentences, C chunks, T frames, F mel bins, D = 256, Q clusters, A attributes.
"""

from collections.abc import Sequence

from torch import Tensor

from datamodules.batch import ChunkBatch
from sermodels.arguments import number, one_of, switch, whole_number
from sermodels.deep_emocluster import DeepEmoCluster
from sermodels.triplets import draw_triplets, triplet_loss
from sermodels.whole_batch import draw_rows

TRIPLET_DRAWS = ("sentence", "batch")


class TempTriplet(DeepEmoCluster):
    """No Ψ, but one more loss on h: (1 - CCC) + λ CE + γ J_triplet (eqs. 6, 7); the network is the vanilla one's.

    gamma_triplet: γ. margin: δ of eq. 6.
    window: W; a positive stands at most W/2 chunks from its anchor, a negative further.
    triplets_per_sentence: drawn anew in every iteration.
    triplet_draw: `sentence` — every sentence draws its own (paper); `batch` — one draw for all sentences of a
        batch [released].
    triplet_on_unlabeled: also on U, where the paper trains with the cross-entropy alone (algorithm 1).
    dropout: 0.5 is the paper's table 1; the released program of this variant has none (0).
    All other arguments are DeepEmoCluster's.
    """

    needs_whole_sentences = True

    def __init__(
        self,
        num_clusters: int = 10,
        attributes: Sequence[str] = ("arousal",),
        lambda_cluster: float = 1.0,
        dropout: float = 0.5,
        gamma_triplet: float = 1.0,
        margin: float = 1.0,
        window: int = 4,
        triplets_per_sentence: int = 10,
        triplet_draw: str = "sentence",
        triplet_on_unlabeled: bool = False,
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
        number("gamma_triplet", gamma_triplet)
        number("margin", margin)
        whole_number("window", window, 2)
        if window % 2:
            raise ValueError(f"window is an even number of chunks, half of it to either side, not {window}")
        whole_number("triplets_per_sentence", triplets_per_sentence, 1)
        one_of("triplet_draw", triplet_draw, TRIPLET_DRAWS)
        switch("triplet_on_unlabeled", triplet_on_unlabeled)
        self.weigh(triplet=gamma_triplet)
        self.margin, self.window = margin, window
        self.triplets_per_sentence = triplets_per_sentence
        self.triplet_draw = triplet_draw
        self.triplet_on_unlabeled = triplet_on_unlabeled

    @property
    def min_chunks(self) -> int:
        """An anchor at a sentence's end needs a chunk beyond half the window."""
        return self.window // 2 + 2

    def losses(self, batch: ChunkBatch) -> dict[str, Tensor]:
        h = self.latents(batch.chunks)
        losses = self.head_losses(h, batch)
        if self.is_labeled(batch) or self.triplet_on_unlabeled:
            losses["triplet"] = triplet_loss(h, self._draw(*h.shape[:2]), self.margin)
        return losses

    def _draw(self, num_sentences: int, num_chunks: int) -> Tensor:
        """(B, R, 3) positions of anchors, positives and negatives."""

        def draw(shape: Sequence[int]) -> Tensor:
            return draw_triplets(shape[0], num_chunks, self.window, self.triplets_per_sentence)

        if self.triplet_draw == "sentence":
            return draw_rows(draw, (num_sentences,))
        return draw((1,)).expand(num_sentences, -1, -1)
