"""One update of a model, and which of its parameters it moved."""

import re
from collections.abc import Iterable

import torch
from tiny_training import CHUNKS, batch, sized

from sermodels.module import EmotionModule

FRAMES, MELS = 33, 33
ROOMY = sized(FRAMES, MELS)
"""Chunks large enough that conv 7's map is 2 x 2: on a map of one point attention has nothing to learn."""


def changed_by_a_step(one: EmotionModule, set_name: str) -> set[str]:
    """Names of the parameters that one update moves; of a model of ROOMY chunks, which is left in float64.

    In float64: starting weights are so small that a step may be less than a float32 weight of 1 can tell.
    """
    optimizers = one.double().configure_optimizers()
    before = {name: p.detach().clone() for name, p in one.named_parameters()}
    if losses := one.losses(batch(set_name, size=(CHUNKS, FRAMES, MELS), dtype=torch.float64)):
        torch.stack([*losses.values()]).sum().backward()
    for step, optimizer in zip(one._steps, optimizers, strict=True):
        if set_name in step.passes:
            optimizer.step()
    return {name for name, p in one.named_parameters() if not torch.equal(p, before[name])}


def taught(names: Iterable[str]) -> set[str]:
    """Of these parameters those that have a gradient but for rounding.

    A shift before a normalisation has none, nor one that adds the same to a query's agreement with every key.
    """
    without = r"blocks\.\d+\.(local\.|mixed\.)?0\.bias|attention\.key\.bias"
    return {name for name in names if not re.search(without, name)}
