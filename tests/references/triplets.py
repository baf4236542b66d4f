"""Triplets and their loss, one at a time (Lin & Busso 2024, section 3.4 and equation 6)."""

import math


def possible_triplets(num_chunks: int, window: int) -> set[tuple[int, int, int]]:
    """Every (anchor, positive, negative): the positive within window/2 chunks and another one, the negative outside."""
    found = set()
    for a in range(num_chunks):
        for p in range(num_chunks):
            for n in range(num_chunks):
                if p != a and abs(p - a) <= window / 2 and abs(n - a) > window / 2:
                    found.add((a, p, n))
    return found


def triplet_loss(h: list[list[list[float]]], triplets: list[list[tuple[int, int, int]]], margin: float) -> float:
    """Mean over all triplets of all sentences of max(|h_a - h_p| - |h_a - h_n| + margin, 0)."""
    terms = []
    for sentence, chosen in zip(h, triplets, strict=True):
        for a, p, n in chosen:
            near = math.dist(sentence[a], sentence[p])
            far = math.dist(sentence[a], sentence[n])
            terms.append(max(near - far + margin, 0.0))
    return sum(terms) / len(terms)
