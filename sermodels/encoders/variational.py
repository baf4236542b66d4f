"""The encoder of a variational autoencoder: a Gaussian over codes instead of one code.

Shapes: N chunks, T = 62 frames, F = 128 mel bins, D = 256 features.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sermodels.encoders.initialization import initialize
from sermodels.encoders.vgg import VGG16
from sermodels.whole_batch import Dropout, draw_rows


class Posterior(NamedTuple):
    """q(z|x) = N(mean, exp(log_variance)), each (N, D)."""

    mean: Tensor
    log_variance: Tensor


class VariationalVGG16(VGG16):
    """VGG16 with μ and log σ² of q(z|x) linear in its last map (Kingma & Welling 2014; Latif et al. 2018).

    Its output h is a code: z = μ + σ ε, ε from N(0, 1), in training, and μ in evaluation (ours). μ stands in the place
    of VGG16's last linear layer, so that a model has the parameters of one without distributions where it is used,
    as the papers' baselines do (Lin & Busso 2024, section 4.3); the noise stands in that of its dropout.

    dropout: on the map that μ and log σ² are linear in. All other options are VGG16's.
    """

    def __init__(self, dropout: float = 0.0, **vgg16: Any) -> None:
        super().__init__(dropout=dropout, **vgg16)
        size = math.prod(self.map_shape)
        self.output = Dropout(dropout)
        self.mean = nn.Linear(size, self.num_features)
        self.log_variance = nn.Linear(size, self.num_features)
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
