"""The losses, each under the name that its weight and its log line carry too.

Every loss is one of the whole batch, however many processes share it.

Shapes: B sentences, C chunks, T frames, F mel bins, D features, Q clusters, A attributes.
"""

import math

from torch import Tensor
from torch.nn import functional as F

from sermodels.functional import at_least_float32, concordance
from sermodels.whole_batch import of_whole_batch


def ccc_loss(predictions: Tensor, labels: Tensor, variance: str = "population") -> Tensor:
    """Mean over attributes of 1 - CCC, over all chunks of the batch (Lin et al. 2021, eq. 3).

    predictions: (B, C, A); labels: (B, A), repeated for the C chunks. Computed in float32 at least.
    """
    predictions, labels = of_whole_batch(predictions), of_whole_batch(labels)
    repeated = labels[:, None, :].expand_as(predictions)
    return (1 - concordance(predictions.flatten(0, 1), repeated.flatten(0, 1), variance)).mean()


def reconstruction_loss(reconstructed: Tensor, chunks: Tensor) -> Tensor:
    """Mean squared error over all points; both (B, …), sentences in front. Computed in float32 at least."""
    if reconstructed.shape != chunks.shape:
        raise ValueError(f"reconstructed {tuple(reconstructed.shape)} and chunks {tuple(chunks.shape)} differ in shape")
    # Not F.mse_loss or a mean: their gradients are laid out channels first whatever the maps' layout, and in other
    # layouts than their input's batch norms take ten times as long.
    squares = (at_least_float32(reconstructed) - at_least_float32(chunks)).square().sum(tuple(range(1, chunks.ndim)))
    return of_whole_batch(squares / math.prod(chunks.shape[1:])).mean()


def kl_loss(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL divergence of N(mean, variance) from N(0, 1), summed over D, mean over chunks (Kingma & Welling 2014).

    mean, log_variance: (B, C, D). In nats; computed in float32 at least.
    """
    mean, log_variance = at_least_float32(mean), at_least_float32(log_variance)
    return of_whole_batch(0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1)).mean()


def cluster_loss(logits: Tensor, pseudo_labels: Tensor) -> Tensor:
    """Cross-entropy of the cluster classifier against the k-means labels (Lin et al. 2021, eq. 3).

    logits: (B, C, Q); pseudo_labels: (B, C) in [0, Q). Computed in float32 at least.
    """
    logits = at_least_float32(logits)
    each = F.cross_entropy(logits.flatten(0, 1), pseudo_labels.flatten(), reduction="none")
    return of_whole_batch(each.view_as(pseudo_labels)).mean()
