"""Weights to begin with."""

from torch import nn


def xavier(module: nn.Module) -> None:
    """Glorot & Bengio (2010) for all convolutions and linear layers, and no biases.

    PyTorch's own default makes the signal weaker in every layer: after the fifteen of a pyramid, maps would be their
    biases, and what was heard a thousandth of them.
    """
    for one in module.modules():
        if isinstance(one, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(one.weight)
            if one.bias is not None:
                nn.init.zeros_(one.bias)
