"""What every optimization offers; the steps it plans are taken by the one manual optimization in sermodels.module."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from datamodules.batch import LABELED, UNLABELED

BOTH = frozenset({LABELED, UNLABELED})


@dataclass(frozen=True)
class Step:
    """An optimizer, and the passes in which it steps."""

    optimizer: Optimizer
    passes: frozenset[str]


@dataclass(frozen=True)
class Parameters:
    """A model's parameters by what they are of; the cluster classifier's last layer has an optimizer of its own."""

    features: list[nn.Parameter]
    """Φ and Ψ."""
    cluster_classifier: list[nn.Parameter]
    """f_cltr less its last layer; none in models without clusters."""
    outputs: list[nn.Parameter]
    """f_emo, and the regularizers' decoders."""


class Optimization(ABC):
    """Which optimizer steps over which parameters in which pass."""

    @abstractmethod
    def steps(self, parameters: Parameters) -> list[Step]:
        """The optimizers, in the order in which they step after one backward pass."""


def cluster_top_step(top: Iterable[nn.Parameter], lr: float) -> Step:
    """Plain SGD for the classifier's last layer: without state, so the layer may be redrawn in place [released]."""
    return Step(torch.optim.SGD(top, lr), BOTH)
