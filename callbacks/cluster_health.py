"""Numbers that tell whether a clustering is alive.

Shapes: S sentences, C chunks, Q clusters.
"""

import torch
from sklearn.metrics import normalized_mutual_info_score
from torch import Tensor


def cluster_entropy(labels: Tensor, num_clusters: int) -> float:
    """Entropy of the cluster sizes as a fraction of log Q: 1 is even, 0 is one cluster that holds everything."""
    if num_clusters < 2:
        return 0.0
    share = torch.bincount(labels.flatten(), minlength=num_clusters).double() / labels.numel()
    return float(torch.special.entr(share).sum() / torch.log(torch.tensor(float(num_clusters))))


def agreement(labels: Tensor, previous: Tensor | None) -> float | None:
    """Normalised mutual information with the previous clustering of the same set; None for the first."""
    if previous is None or previous.shape != labels.shape:
        return None
    return float(normalized_mutual_info_score(previous.flatten().numpy(), labels.flatten().numpy()))
