"""Concordance over a whole set: the mean over batches of CCC is not the CCC of the set.

Shapes: B sentences of a batch, S of the set, A attributes.
"""

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from sermodels.functional import concordance


class ConcordanceCorrelation(Metric):
    """CCC of all sentences seen, one value an attribute, population variances (Lin 1989), in float64.

    torchmetrics' own ConcordanceCorrCoef divides by n - 1 and so gives other numbers than the papers do.
    """

    full_state_update = False
    higher_is_better = True
    is_differentiable = False
    predictions: list[Tensor]
    targets: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("predictions", default=[], dist_reduce_fx="cat")
        self.add_state("targets", default=[], dist_reduce_fx="cat")

    def update(self, predictions: Tensor, targets: Tensor) -> None:
        """Add sentences: both (B, A). A sentence with a NaN target (not rated) is left out."""
        rated = ~targets.isnan().any(1)
        self.predictions.append(predictions[rated].double())
        self.targets.append(targets[rated].double())

    def compute(self) -> Tensor:
        """(A,) float64. NaN if no rated sentence was seen."""
        if not self.predictions:
            raise RuntimeError("no sentence was seen: update the metric before computing it")
        predictions, targets = dim_zero_cat(self.predictions), dim_zero_cat(self.targets)
        if len(predictions) == 0:
            return torch.full(predictions.shape[1:], torch.nan, dtype=torch.float64)
        return concordance(predictions, targets)
