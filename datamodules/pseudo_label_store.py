"""Pseudo-labels and sampling weights of the training sets, attached to batches by sentence id.

Shapes: S sentences of a set, C chunks a sentence, Q clusters.
"""

from typing import Any

import torch
from torch import Tensor


class PseudoLabelStore:
    """The latest clustering of each set. Ids are rows of the set; nothing is ever re-ordered."""

    def __init__(self) -> None:
        self._labels: dict[str, Tensor] = {}
        self._num_clusters: dict[str, int] = {}
        self._pass: dict[str, int] = {}

    def update(self, set_name: str, labels: Tensor, num_clusters: int, pass_index: int) -> None:
        """Replace the labels (S, C) of a set by those made for pass `pass_index`."""
        if labels.ndim != 2 or labels.min() < 0 or labels.max() >= num_clusters:
            raise ValueError(
                f"pseudo-labels of {set_name}: want (S, C) in [0, {num_clusters}), got {tuple(labels.shape)}"
            )
        self._labels[set_name] = labels.to(torch.int64).cpu().clone()
        self._num_clusters[set_name] = num_clusters
        self._pass[set_name] = pass_index

    def labels(self, set_name: str) -> Tensor | None:
        """(S, C) clusters of a set, or None before its first clustering."""
        return self._labels.get(set_name)

    def num_clusters(self, set_name: str) -> int:
        """Q of a set's latest clustering."""
        return self._num_clusters[set_name]

    def made_for_pass(self, set_name: str) -> int | None:
        """The pass whose labels these are."""
        return self._pass.get(set_name)

    def state_dict(self) -> dict[str, Any]:
        """Plain data for a checkpoint, the labels in the fewest bytes that hold them."""
        return {
            "labels": {name: labels.to(_smallest(self._num_clusters[name])) for name, labels in self._labels.items()},
            "num_clusters": dict(self._num_clusters),
            "pass": dict(self._pass),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        self._labels = {name: labels.to(torch.int64) for name, labels in state["labels"].items()}
        self._num_clusters = dict(state["num_clusters"])
        self._pass = dict(state["pass"])


def _smallest(num_clusters: int) -> torch.dtype:
    return torch.int16 if num_clusters <= 2**15 else torch.int64
