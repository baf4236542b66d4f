"""What an unfinished run left to go on from, compared with what it must be before a pass is trained."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from datamodules.batch import LABELED
from datamodules.errors import DataError
from datamodules.front_end import FrontEnd
from experiments.config.plan import Node
from experiments.results.loading import read_checkpoint
from experiments.results.run_result import REMEDY, RunResult, run_hash

NEEDED_TO_GO_ON = {
    "epoch",
    "state_dict",
    "loops",
    "callbacks",
    "optimizer_states",
    "hyper_parameters",
    "ChunkDataModule",
}


@dataclass(frozen=True)
class LeftBehind:
    """Read once; every comparison raises DataError for what is not this run's."""

    run: RunResult
    last: Mapping[str, Any]
    """The content of last.ckpt."""
    best: Mapping[str, Any] | None
    """Of best.ckpt; None where no pass was judged yet."""

    @classmethod
    def of(cls, run: RunResult, decides: Mapping[str, Any]) -> "LeftBehind":
        """Raises DataError for a checkpoint that is damaged or another run's, and where the best so far is missing."""
        last = read_checkpoint(run.last, run_hash(decides))
        if missing := NEEDED_TO_GO_ON - set(last):
            raise DataError(
                f"{run.last}: lacks {', '.join(sorted(missing))}, so no training goes on from it; put the run's own "
                "there, or set overwrite=true to start it anew."
            )
        if not _agree(last):
            raise DataError(f"{run.last}: its counters and states are not those of a completed pass; {REMEDY}.")
        if not any(str(one.get("best_model_path", "")).endswith(run.best.name) for one in last["callbacks"].values()):
            return cls(run, last, None)
        if not run.best.exists():
            raise DataError(
                f"{run.best}: is missing, and it is the best model so far; put a copy there, or set overwrite=true to "
                "start the run anew."
            )
        return cls(run, last, read_checkpoint(run.best, run_hash(decides)))

    @property
    def task(self) -> Node:
        """With the scale or classes that it was trained with."""
        saved: Node = self.last["hyper_parameters"].get("task")
        return saved

    def compare_task(self, fitted: Node) -> None:
        """With the one of the labels as they are now."""
        if not _alike(self.task, fitted):
            raise DataError(
                f"{self.run.last}: was trained on other labels than {LABELED} has now; "
                "the corpus changed under a run: set overwrite=true to start it anew."
            )

    def compare_front_end(self, described: FrontEnd) -> None:
        """With the features and statistics that the data give.

        Features in half precision that were extracted again elsewhere move a mean by less than a thousandth.
        """
        saved = self.last["ChunkDataModule"]
        if not isinstance(saved, dict) or not _alike(saved.get("front_end"), described.to_dict(), 1e-3):
            raise DataError(f"{self.run.last}: has another front end than the data of this run give; {REMEDY}.")

    def compare_weights(self, of_model: Mapping[str, torch.Tensor]) -> None:
        """The best model's, which are read again when all passes are done."""
        if self.best is not None and not _fits(self.best.get("state_dict"), of_model):
            raise DataError(f"{self.run.best}: its weights are not numbers of this model; {REMEDY}.")


def _agree(last: Mapping[str, Any]) -> bool:
    """Whether a checkpoint says the same of its passes in all places, and is of the shape that it should be."""
    try:
        progress = last["loops"]["fit_loop"]["epoch_progress"]
        counts = {last["epoch"] + 1, progress["total"]["processed"], progress["current"]["processed"]}
        shaped = bool(last["optimizer_states"]) and all(
            isinstance(one, dict) for one in (*last["callbacks"].values(), last["hyper_parameters"])
        )
        rates = [group["lr"] for one in last["optimizer_states"] for group in one["param_groups"]]
        shaped &= all(type(rate) in (int, float) and math.isfinite(rate) for rate in rates)
    except (KeyError, TypeError, AttributeError, OverflowError):
        return False
    return shaped and len(counts) == 1 and counts.pop() > 0


def _fits(weights: Any, others: Mapping[str, torch.Tensor]) -> bool:
    """Whether a state is one of numbers, of the same names and shapes."""
    if not isinstance(weights, Mapping) or set(weights) != set(others):
        return False
    return all(
        isinstance(one, torch.Tensor) and one.shape == others[name].shape and bool(one.isfinite().all())
        for name, one in weights.items()
    )


def _alike(value: Any, other: Any, within: float = 1e-5) -> bool:
    """Whether plain data are the same, numbers but for that part of them."""
    if isinstance(value, Mapping) and isinstance(other, Mapping):
        return set(value) == set(other) and all(_alike(one, other[key], within) for key, one in value.items())
    if isinstance(value, list | tuple) and isinstance(other, list | tuple):
        return len(value) == len(other) and all(_alike(one, two, within) for one, two in zip(value, other, strict=True))
    if isinstance(value, float) and isinstance(other, float):
        return math.isclose(value, other, rel_tol=within, abs_tol=within)
    return bool(value == other)
