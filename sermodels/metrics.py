"""Concordance over a whole set: the mean over batches of CCC is not the CCC of the set.

Shapes: B sentences of a batch, S of the set, C chunks, A attributes.
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
        super().__init__(sync_on_compute=False)  # what is added is of all processes already
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


class BatchedChunkLoss(Metric):
    """The released programs' development loss: mean over batches of 704 chunks of 1 - CCC of chunk outputs.

    Neither the CCC of the set nor of sentences; kept to choose models as those programs do. Their mixture of
    variances is used, whatever ccc_variance a model trains with, and the mean over attributes is taken.
    """

    full_state_update = False
    higher_is_better = False
    is_differentiable = False
    CHUNKS_A_BATCH = 704
    outputs: list[Tensor]
    targets: list[Tensor]

    def __init__(self) -> None:
        super().__init__(sync_on_compute=False)  # what is added is of all processes already
        self.add_state("outputs", default=[], dist_reduce_fx="cat")
        self.add_state("targets", default=[], dist_reduce_fx="cat")

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        """Add sentences: outputs (B, C, A), targets (B, A). A sentence with a NaN target is left out."""
        rated = ~targets.isnan().any(1)
        chunks = outputs[rated].flatten(0, 1).double()
        present = ~chunks.isnan().all(1)  # a sentence may have fewer chunks than others
        self.outputs.append(chunks[present])
        self.targets.append(targets[rated].repeat_interleave(outputs.shape[1], 0).double()[present])

    def compute(self) -> Tensor:
        """() float64. NaN if no rated sentence was seen."""
        outputs, targets = dim_zero_cat(self.outputs), dim_zero_cat(self.targets)
        if len(outputs) == 0:
            return torch.tensor(torch.nan, dtype=torch.float64)
        batches = zip(outputs.split(self.CHUNKS_A_BATCH), targets.split(self.CHUNKS_A_BATCH), strict=True)
        return torch.stack([(1 - concordance(*batch, "released")).mean() for batch in batches]).mean()
