"""Ψ of Temp-Trans: one transformer encoder layer over a sentence's chunk vectors.

Shapes: B sentences, C chunks, D = 256 features.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sermodels.arguments import probability
from sermodels.encoders.initialization import initialize
from sermodels.temporal_nets.temporal_net import TemporalNet
from sermodels.whole_batch import Dropout


class TemporalTransformer(TemporalNet):
    """Sinusoidal positions, then one post-norm layer of one head and 256 hidden nodes (Lin & Busso 2024, 4.3).

    dropout: on the attention weights and both sublayers.
    position_dropout: on the sum of features and positions, as Vaswani et al. (2017) have it; the released program has
        none. The features are not scaled before the positions are added.
    """

    def __init__(self, num_features: int, dropout: float = 0.3, position_dropout: float = 0.3) -> None:
        super().__init__()
        probability("dropout", dropout)
        probability("position_dropout", position_dropout)
        self.dropout = Dropout(position_dropout)
        self.layer = _EncoderLayer(num_features, dropout)
        self.layer.apply(initialize)

    def forward(self, h: Tensor) -> Tensor:
        """(B, C, D) -> z (B, C, D)."""
        return self.layer(self.dropout(h + sinusoidal_positions(h.shape[1], h.shape[2]).to(h)))


class _EncoderLayer(nn.TransformerEncoderLayer):
    """PyTorch's layer of one head, with dropout whose masks do not depend on how many processes share a batch."""

    def __init__(self, num_features: int, dropout: float) -> None:
        super().__init__(num_features, nhead=1, dim_feedforward=num_features, dropout=dropout, batch_first=True)
        self.dropout, self.dropout1, self.dropout2 = Dropout(dropout), Dropout(dropout), Dropout(dropout)
        self.attention_dropout = Dropout(dropout)

    def _sa_block(self, x: Tensor, *masks: object, **options: object) -> Tensor:
        attention = self.self_attn
        query, key, value = F.linear(x, attention.in_proj_weight, attention.in_proj_bias).chunk(3, dim=-1)
        weights = (query @ key.transpose(1, 2) / math.sqrt(query.shape[2])).softmax(-1)
        return self.dropout1(attention.out_proj(self.attention_dropout(weights) @ value))


def sinusoidal_positions(length: int, num_features: int) -> Tensor:
    """(length, D): sin(p / 10000^(2i/D)) at even, cos of the same at odd places (Vaswani et al. 2017, 3.5)."""
    position = torch.arange(length)[:, None]
    rate = torch.exp(torch.arange(0, num_features, 2) * (-math.log(10_000.0) / num_features))
    table = torch.zeros(length, num_features)
    table[:, 0::2] = torch.sin(position * rate)
    table[:, 1::2] = torch.cos(position * rate)
    return table
