"""The two heads on a chunk's features h.

Shapes: any leading dimensions, D = 256 features, Q clusters, O outputs of the task.
"""

import torch
from torch import Tensor, nn

from sermodels.arguments import whole_number
from sermodels.encoders.initialization import initialize


class ClusterClassifier(nn.Module):
    """f_cltr: Linear-ReLU-Linear (Lin & Busso 2024, section 4.3). Its last layer starts anew before each pass."""

    def __init__(self, num_features: int, num_clusters: int) -> None:
        super().__init__()
        whole_number("num_clusters", num_clusters, 2)
        self.hidden = nn.Linear(num_features, num_features)
        self.top = nn.Linear(num_features, num_clusters)
        self.apply(initialize)

    def forward(self, h: Tensor) -> Tensor:
        """(…, D) -> logits (…, Q)."""
        return self.top(self.hidden(h).relu())

    @torch.no_grad()
    def reset_top(self, generator: torch.Generator) -> None:
        """Draw the last layer anew, N(0, 0.01) and 0: cluster numbers mean nothing across clusterings [released]."""
        fresh = torch.randn(self.top.weight.shape, generator=generator) * 0.01
        self.top.weight.copy_(fresh)
        self.top.bias.zero_()


class EmotionRegressor(nn.Module):
    """f_emo: Linear-ReLU-Linear (Lin & Busso 2024, section 4.3)."""

    def __init__(self, num_features: int, num_outputs: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(num_features, num_features)
        self.top = nn.Linear(num_features, num_outputs)
        self.apply(initialize)

    def forward(self, h: Tensor) -> Tensor:
        """(…, D) -> the task's outputs (…, O); z-normalised attributes, or logits of categories."""
        return self.top(self.hidden(h).relu())
