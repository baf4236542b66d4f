"""What clusters agree with: the clustering before, facts about the speech, and the chunk next to each.

Shapes: S sentences, C chunks.
"""

import torch
from sklearn.metrics import adjusted_mutual_info_score, normalized_mutual_info_score
from torch import Tensor


def agreement(labels: Tensor, previous: Tensor | None) -> float | None:
    """Normalised mutual information with the previous clustering of the same set; None for the first.

    >>> agreement(torch.tensor([[0, 0, 1, 1]]), torch.tensor([[1, 1, 0, 0]]))  # numbers mean nothing
    1.0
    """
    if previous is None or previous.shape != labels.shape:
        return None
    return float(normalized_mutual_info_score(previous.flatten().numpy(), labels.flatten().numpy()))


def agreement_with(labels: Tensor, fact: Tensor) -> tuple[float, float] | None:
    """Normalised, and adjusted, mutual information of clusters (S, C) with codes (S, C), where these are not negative.

    The normalised one (of the arithmetic mean of both entropies) grows with the number of codes; the adjusted one is 0
    for clusters that have nothing to do with them (Vinh, Epps & Bailey 2010). None where fewer than two are
    known.

    >>> agreement_with(torch.tensor([[0, 0, 1, 1]]), torch.tensor([[5, 5, 7, 7]]))
    (1.0, 1.0)
    """
    known = fact >= 0
    codes, clusters = fact[known].numpy(), labels[known].numpy()
    if not len(codes) or (codes == codes[0]).all():
        return None
    return (
        float(normalized_mutual_info_score(codes, clusters)),
        float(adjusted_mutual_info_score(codes, clusters)),
    )


def transition_ratio(labels: Tensor, step: Tensor | None = None) -> float | None:
    """How often a chunk's cluster is another than that of the one next to it (Lin & Busso 2024, section 5.2).

    The mean of `transition_ratios`; None where no sentence has two chunks to compare.

    >>> transition_ratio(torch.tensor([[0, 0, 1], [2, 2, 2]]))
    0.25
    >>> transition_ratio(torch.tensor([[0, 0, 1], [2, 2, 2]]), torch.tensor([2, 3]))
    1.0
    """
    ratios = transition_ratios(labels, step)
    known = ratios[~ratios.isnan()]
    return float(known.double().mean()) if len(known) else None


def transition_ratios(labels: Tensor, step: Tensor | None = None) -> Tensor:
    """(S,) changes / comparisons of each sentence; NaN where it has no two chunks to compare.

    labels: (S, C). step: (S,) how many chunks further to look in each sentence; None is the next one.

    >>> transition_ratios(torch.tensor([[0, 0, 1], [2, 2, 2]])).tolist()
    [0.5, 0.0]
    """
    sentences, chunks = labels.shape
    step = torch.ones(sentences, dtype=torch.long) if step is None else step
    further = torch.arange(chunks) + step[:, None]
    compared = further < chunks
    changes = (labels != labels.gather(1, further.clamp(max=chunks - 1))) & compared
    return changes.sum(1) / compared.sum(1)
