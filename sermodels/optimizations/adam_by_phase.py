"""The optimizers of ACG-EmoCluster."""

import torch

from datamodules.batch import LABELED, UNLABELED
from sermodels.arguments import number
from sermodels.optimizations.optimization import Optimization, Parameters, Step


class AdamByPhase(Optimization):
    """One Adam over everything for the unsupervised phase and another for the supervised (Zhao et al. 2023, 4.2).

    The paper gives a learning rate for each phase; with an Adam of its own the supervised phase starts without the
    moments of the other (ours).
    """

    def __init__(self, unsupervised_lr: float = 1e-3, supervised_lr: float = 5e-4) -> None:
        number("unsupervised_lr", unsupervised_lr)
        number("supervised_lr", supervised_lr)
        self.unsupervised_lr, self.supervised_lr = unsupervised_lr, supervised_lr

    def steps(self, parameters: Parameters) -> list[Step]:
        """The Adam of U passes, then that of L passes."""
        everything = [*parameters.features, *parameters.cluster_classifier, *parameters.outputs]
        return [
            Step(torch.optim.Adam(everything, self.unsupervised_lr), frozenset({UNLABELED})),
            Step(torch.optim.Adam(everything, self.supervised_lr), frozenset({LABELED})),
        ]
