"""The loss of Temp-Triplet: chunks that stand close in their sentence lie close, those further apart do not.

Shapes: B sentences, C chunks, D features, R triplets a sentence, M possible triplets of C chunks.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from datamodules.batch import LABELED, UNLABELED, ChunkBatch
from sermodels.arguments import number, one_of, switch, whole_number
from sermodels.functional import at_least_float32
from sermodels.regularizers.regularizer import Regularizer
from sermodels.whole_batch import draw_rows, of_whole_batch

DRAWS = ("sentence", "batch")


class Triplets(Regularizer):
    """γ J_triplet on h (Lin & Busso 2024, eqs. 6 and 7).

    weight: γ. margin: δ of eq. 6.
    window: W; a positive stands at most W/2 chunks from its anchor, a negative further.
    triplets_per_sentence: drawn anew in every iteration.
    draw: `sentence` — every sentence draws its own (paper); `batch` — one draw for all sentences of a batch
        [released].
    anchor_first: the anchor is drawn first, then its positive, then its negative, each among its own [released]; else
        all possible triplets are as likely, so that anchors inside the sentence, which have more, are likelier.
    on_unlabeled: also in U passes, where the paper trains with the cross-entropy alone (algorithm 1).
    unlabeled_weight: there, in γ's place; 1 as released.
    """

    needs_whole_sentences = True

    def __init__(
        self,
        weight: float = 1.0,
        margin: float = 1.0,
        window: int = 4,
        triplets_per_sentence: int = 10,
        draw: str = "sentence",
        anchor_first: bool = False,
        on_unlabeled: bool = False,
        unlabeled_weight: float = 1.0,
    ) -> None:
        number("weight", weight)
        number("margin", margin)
        whole_number("window", window, 2)
        if window % 2:
            raise ValueError(f"window is an even number of chunks, half of it to either side, not {window}")
        whole_number("triplets_per_sentence", triplets_per_sentence, 1)
        one_of("draw", draw, DRAWS)
        switch("anchor_first", anchor_first)
        switch("on_unlabeled", on_unlabeled)
        number("unlabeled_weight", unlabeled_weight)
        passes = (LABELED, UNLABELED) if on_unlabeled else (LABELED,)
        on_u = {"triplet": unlabeled_weight} if on_unlabeled else {}
        super().__init__({"triplet": weight}, passes, min_chunks=window // 2 + 2, unlabeled_weights=on_u)
        self.margin, self.window = margin, window
        self.triplets_per_sentence = triplets_per_sentence
        self.draw, self.anchor_first = draw, anchor_first

    def forward(self, h: Tensor, batch: ChunkBatch, trace: Any) -> dict[str, Tensor]:
        """The loss of the batch's triplets."""
        return {"triplet": triplet_loss(h, self._draw(*h.shape[:2]), self.margin)}

    def _draw(self, num_sentences: int, num_chunks: int) -> Tensor:
        """(B, R, 3) positions of anchors, positives and negatives."""

        def draw(shape: Sequence[int]) -> Tensor:
            return draw_triplets(shape[0], num_chunks, self.window, self.triplets_per_sentence, self.anchor_first)

        if self.draw == "sentence":
            return draw_rows(draw, (num_sentences,))
        return draw((1,)).expand(num_sentences, -1, -1)


def possible_triplets(num_chunks: int, window: int) -> Tensor:
    """(M, 3) every anchor, positive and negative of a sentence (Lin & Busso 2024, section 3.4).

    The positive stands at most window/2 chunks from the anchor and is another chunk; the negative stands further.
    Empty where a sentence has fewer than window/2 + 2 chunks.

    >>> possible_triplets(3, window=2).tolist()
    [[0, 1, 2], [2, 1, 0]]
    """
    position = torch.arange(num_chunks)
    distance = (position[:, None] - position).abs()
    near = (distance > 0) & (distance <= window // 2)
    far = distance > window // 2
    return (near[:, :, None] & far[:, None, :]).nonzero()


def draw_triplets(num_sentences: int, num_chunks: int, window: int, count: int, anchor_first: bool = False) -> Tensor:
    """(B, R, 3) positions, drawn for every sentence apart among all possible triplets; see Triplets.

    With replacement: a sentence of 4 chunks has only 2 of them at W = 4.
    """
    possible = possible_triplets(num_chunks, window)
    if not anchor_first:
        return possible[torch.randint(len(possible), (num_sentences, count))]
    # Of an anchor every positive goes with every negative, so a uniform draw among its triplets is a draw of both.
    anchors, counts = possible[:, 0].unique_consecutive(return_counts=True)
    first = counts.cumsum(0) - counts
    chosen = torch.randint(len(anchors), (num_sentences, count))
    within = (torch.rand(num_sentences, count, dtype=torch.float64) * counts[chosen]).long()
    return possible[first[chosen] + within]


def triplet_loss(h: Tensor, triplets: Tensor, margin: float) -> Tensor:
    """Mean of max(d(a, p) - d(a, n) + δ, 0), d the L2 distance (Lin & Busso 2024, eq. 6). In float32 at least.

    h: (B, C, D); triplets: (B, R, 3) positions of anchor, positive and negative.
    """
    sentence = torch.arange(len(h), device=h.device)[:, None]
    h = at_least_float32(h)
    anchor, positive, negative = (h[sentence, place] for place in triplets.to(h.device).unbind(-1))
    # eps would be added to every coordinate's difference; equal chunks have distance 0 and gradient 0 without it.
    near = F.pairwise_distance(anchor, positive, eps=0.0)
    far = F.pairwise_distance(anchor, negative, eps=0.0)
    return of_whole_batch((near - far + margin).clamp_min(0)).mean()
