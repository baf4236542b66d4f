"""Triplets of chunks by how far apart they stand in their sentence.

Shapes: B sentences, C chunks, D features, R triplets a sentence, M possible triplets of C chunks.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from sermodels.functional import at_least_float32
from sermodels.whole_batch import of_whole_batch


def possible_triplets(num_chunks: int, window: int) -> Tensor:
    """(M, 3) every anchor, positive and negative of a sentence (Lin & Busso 2024, section 3.4).

    The positive stands at most window/2 chunks from the anchor and is another chunk; the negative stands further.
    Empty where a sentence has fewer than window/2 + 2 chunks.
    """
    position = torch.arange(num_chunks)
    distance = (position[:, None] - position).abs()
    near = (distance > 0) & (distance <= window // 2)
    far = distance > window // 2
    return (near[:, :, None] & far[:, None, :]).nonzero()


def draw_triplets(num_sentences: int, num_chunks: int, window: int, count: int) -> Tensor:
    """(B, R, 3) positions, drawn for every sentence apart and uniformly among all possible triplets.

    With replacement: a sentence of 4 chunks has only 4 of them at W = 4.
    """
    possible = possible_triplets(num_chunks, window)
    return possible[torch.randint(len(possible), (num_sentences, count))]


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
