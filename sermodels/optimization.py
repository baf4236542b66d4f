"""Which optimizer steps over which parameters in which pass; the one place where manual optimization is planned."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from datamodules.batch import LABELED, UNLABELED

BOTH = frozenset({LABELED, UNLABELED})
OWNERSHIPS = ("both_on_all", "by_part")


@dataclass(frozen=True)
class Step:
    """An optimizer, and the passes in which it steps."""

    optimizer: Optimizer
    passes: frozenset[str]


def cluster_top_step(top: nn.Module, lr: float) -> Step:
    """Plain SGD for the classifier's last layer: without state, so the layer may be redrawn in place [released]."""
    return Step(torch.optim.SGD(top.parameters(), lr), BOTH)


def sgd_and_adam(
    ownership: str,
    body: Iterable[nn.Parameter],
    outputs: Iterable[nn.Parameter],
    sgd_lr: float,
    adam_lr: float,
) -> list[Step]:
    """The DeepEmoCluster family's optimizers.

    ownership: `both_on_all` — in L passes both step over every parameter, in U passes SGD alone [released, and
        so behind every published number]; `by_part` — SGD owns the body (Φ, Ψ, f_cltr), Adam the outputs
        (f_emo, decoders) (Lin et al. 2021, section 5.1).
    """
    body, outputs = list(body), list(outputs)
    if ownership == "both_on_all":
        return [
            Step(torch.optim.SGD([*body, *outputs], sgd_lr), BOTH),
            Step(torch.optim.Adam([*body, *outputs], adam_lr), frozenset({LABELED})),
        ]
    if ownership == "by_part":
        return [
            Step(torch.optim.SGD(body, sgd_lr), BOTH),
            # In U passes too, for the decoders; f_emo has no gradient there, which Adam passes over.
            Step(torch.optim.Adam(outputs, adam_lr), BOTH),
        ]
    raise ValueError(f"optimizers is one of {', '.join(OWNERSHIPS)}, not {ownership!r}")


def adam_by_phase(parameters: Iterable[nn.Parameter], unsupervised_lr: float, supervised_lr: float) -> list[Step]:
    """One Adam for the unsupervised phase and one for the supervised (Zhao et al. 2023, section 4.2)."""
    parameters = list(parameters)
    return [
        Step(torch.optim.Adam(parameters, unsupervised_lr), frozenset({UNLABELED})),
        Step(torch.optim.Adam(parameters, supervised_lr), frozenset({LABELED})),
    ]
