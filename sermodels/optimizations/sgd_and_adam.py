"""The optimizers of the DeepEmoCluster family and of its baselines."""

import torch

from datamodules.batch import LABELED
from sermodels.arguments import number, one_of
from sermodels.optimizations.optimization import BOTH, Optimization, Parameters, Step

OWNERSHIPS = ("both_on_all", "by_part", "outputs_by_adam")


class SGDAndAdam(Optimization):
    """Plain SGD and Adam, and who owns what.

    ownership: `both_on_all` — in L passes both step over every parameter, in U passes SGD alone [released, and
        so behind every published number]; `by_part` — SGD owns Φ, Ψ and f_cltr, Adam f_emo and decoders (Lin et al.
        2021, section 5.1); `outputs_by_adam` — SGD owns Φ and Ψ, Adam both output nets and decoders (Lin & Busso
        2024, section 4.3). f_cltr's last layer is in none of them.
    """

    def __init__(self, ownership: str = "both_on_all", sgd_lr: float = 1e-3, adam_lr: float = 5e-4) -> None:
        one_of("ownership", ownership, OWNERSHIPS)
        number("sgd_lr", sgd_lr)
        number("adam_lr", adam_lr)
        self.ownership, self.sgd_lr, self.adam_lr = ownership, sgd_lr, adam_lr

    def steps(self, parameters: Parameters) -> list[Step]:
        """SGD, then Adam."""
        body, outputs = [*parameters.features, *parameters.cluster_classifier], parameters.outputs
        if self.ownership == "outputs_by_adam":
            body, outputs = parameters.features, [*parameters.cluster_classifier, *parameters.outputs]
        if self.ownership == "both_on_all":
            everything = [*body, *outputs]
            return [
                Step(torch.optim.SGD(everything, self.sgd_lr), BOTH),
                Step(torch.optim.Adam(everything, self.adam_lr), frozenset({LABELED})),
            ]
        return [
            Step(torch.optim.SGD(body, self.sgd_lr), BOTH),
            # In U passes too, for decoders and f_cltr; f_emo has no gradient there, which Adam passes over.
            Step(torch.optim.Adam(outputs, self.adam_lr), BOTH),
        ]
