"""The encoder of a variational autoencoder: a Gaussian over codes instead of one code.

Shapes: N chunks, T = 62 frames, F = 128 mel bins, D = 256 features.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sermodels.encoders.initialization import initialize
from sermodels.encoders.vgg import VGG16
from sermodels.whole_batch import draw_rows


class Posterior(NamedTuple):
    """q(z|x) = N(mean, exp(log_variance)), each (N, D)."""

    mean: Tensor
    log_variance: Tensor


class VariationalVGG16(VGG16):
    """VGG16 with μ and log σ² of q(z|x) linear in its features (Kingma & Welling 2014; Latif et al. 2018).

    Its output h is a code: z = μ + σ ε, ε from N(0, 1), in training, and μ in evaluation (ours). All options are
    VGG16's.
    """

    def __init__(self, **vgg16: Any) -> None:
        super().__init__(**vgg16)
        self.mean = nn.Linear(self.num_features, self.num_features)
        self.log_variance = nn.Linear(self.num_features, self.num_features)
        self.mean.apply(initialize)
        self.log_variance.apply(initialize)

    def forward(self, chunks: Tensor) -> Tensor:
        """(N, T, F) -> h (N, D)."""
        return self.traced(chunks)[0]

    def traced(self, chunks: Tensor) -> tuple[Tensor, Posterior]:
        """h, and the Posterior it was drawn from."""
        features = super().forward(chunks)
        posterior = Posterior(self.mean(features), self.log_variance(features))
        return self.code(posterior), posterior

    def code(self, posterior: Posterior) -> Tensor:
        """z (N, D) in training, μ in evaluation."""
        mean, log_variance = posterior
        if not self.training:
            return mean
        return mean + (0.5 * log_variance).exp() * draw_rows(
            lambda shape: torch.randn(tuple(shape), dtype=mean.dtype, device=mean.device), mean.shape
        )
