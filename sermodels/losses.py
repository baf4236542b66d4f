"""The losses, each under the name that its weight and its log line carry too.

Shapes: B sentences, C chunks, T frames, F mel bins, D features, Q clusters, A attributes.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from sermodels.functional import concordance


def ccc_loss(predictions: Tensor, labels: Tensor, variance: str = "population") -> Tensor:
    """Mean over attributes of 1 - CCC, over all chunks of the batch (Lin et al. 2021, eq. 3).

    predictions: (B, C, A); labels: (B, A), repeated for the C chunks. Computed in float32 at least.
    """
    repeated = labels[:, None, :].expand_as(predictions)
    return (1 - concordance(predictions.flatten(0, 1), repeated.flatten(0, 1), variance)).mean()


def reconstruction_loss(reconstructed: Tensor, chunks: Tensor) -> Tensor:
    """Mean squared error over all points; both of one shape. Computed in float32 at least."""
    wide = torch.promote_types(reconstructed.dtype, torch.float32)
    # Not F.mse_loss or a mean: their gradients are laid out channels first whatever the maps' layout, and in other
    # layouts than their input's batch norms take ten times as long.
    return (reconstructed.to(wide) - chunks.to(wide)).square().sum() / chunks.numel()


def kl_loss(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL divergence of N(mean, variance) from N(0, 1), summed over D, mean over chunks (Kingma & Welling 2014).

    mean, log_variance: (B, C, D). In nats; computed in float32 at least.
    """
    wide = torch.promote_types(mean.dtype, torch.float32)
    mean, log_variance = mean.to(wide), log_variance.to(wide)
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1).mean()


def cluster_loss(logits: Tensor, pseudo_labels: Tensor) -> Tensor:
    """Cross-entropy of the cluster classifier against the k-means labels (Lin et al. 2021, eq. 3).

    logits: (B, C, Q); pseudo_labels: (B, C) in [0, Q). Computed in float32 at least.
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return F.cross_entropy(logits.flatten(0, 1), pseudo_labels.flatten())
