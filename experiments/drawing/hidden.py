"""The chunks of a corpus's sets as a trained encoder sees them.

Shapes: S sentences, C chunks, D features.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from callbacks.kmeans import make_kmeans
from datamodules.corpus import Corpus
from datamodules.datamodule import ChunkDataModule
from datamodules.errors import DataError
from datamodules.labels import ATTRIBUTES
from datamodules.sets import SET_OF_SPLIT, is_test_set
from datamodules.whole_set import over_set
from experiments.config.plan import DataPlan
from experiments.results.run_result import RunResult
from experiments.results.subject import Subject, read_sets
from sermodels.module import EmotionModule

LEVELS = {"low": (1.0, 3.0), "middle": (3.0, 5.0), "high": (5.0, 7.0)}
"""Of an attribute (Lin & Busso 2024, section 5.3, where they overlap at 3 and 5; here the upper one has them)."""
CLUSTERS = 10  # of a model that has none of its own


@dataclass(frozen=True)
class Hidden:
    """One set."""

    name: str
    h: Tensor
    """(S, C, D), what a clustered model clusters; of others what their heads read."""
    table: pd.DataFrame
    """(S) rows of the corpus."""
    seconds: np.ndarray
    """(S,)"""
    apart: Tensor
    """(S,) see ChunkDataModule.apart."""

    def chunks(self) -> np.ndarray:
        """(S·C, D)"""
        return self.h.flatten(0, 1).numpy()

    def levels(self, attribute: str) -> tuple[list[str], np.ndarray]:
        """Their names, and which one each chunk's sentence has, (S·C,); -1 where it has no rating."""
        ratings = self.table[attribute].to_numpy(float)
        codes = np.full(len(ratings), -1)
        for number, (low, high) in enumerate(LEVELS.values()):
            last = number == len(LEVELS) - 1
            codes[(ratings >= low) & ((ratings < high) | (last & (ratings <= high)))] = number
        return list(LEVELS), codes.repeat(self.h.shape[1])


def hidden_sets(run: RunResult, subject: Subject, corpus: Corpus, plan: DataPlan) -> dict[str, Hidden]:
    """Train and the first test set of a run's corpus, as `train` and `test`.

    Raises DataError where chunks are pieces, and where there is no test set.
    """
    predictor = subject.predictor
    if predictor.front_end.features.frames_a_piece is not None:
        raise DataError(f"{run.path}: has pieces for chunks, which are not clustered.")
    tests = [name for name in corpus.splits() if is_test_set(name)]
    if not tests:
        raise DataError(f"{corpus.root}: {corpus.name} has no test set.")
    _, _, data = read_sets(predictor, corpus, ["train", tests[0]], plan.store_root, plan.max_bad_files, plan.workers)
    return {
        name: _hidden(predictor.model, data, SET_OF_SPLIT.get(split, split))
        for name, split in (("train", "train"), ("test", tests[0]))
    }


def _hidden(model: EmotionModule, data: ChunkDataModule, set_name: str) -> Hidden:
    embed: Any = getattr(model, "embed", model.latents)
    h = over_set(data.in_order(set_name, model.device, model.dtype), data.size(set_name), embed)
    assert h is not None  # asked for everywhere
    one = data.sets[set_name]
    features = data.front_end.features
    seconds = np.array([features.seconds_of(int(length)) for length in one.lengths])
    return Hidden(set_name, h.float(), one.table, seconds, data.apart(set_name))


def clusters_of(run: RunResult, hidden: Hidden) -> Tensor:
    """(S, C) clusters of a set's own chunks by k-means, as many as the run has."""
    given = run.deciding_number("callbacks", "pseudo_labels", "num_clusters") or CLUSTERS
    points = hidden.h.flatten(0, 1)
    count = min(given, len(torch.unique(points, dim=0)))
    made = make_kmeans("auto")(points, count, 50, run.deciding_number("seed") or 0)
    return made.labels.view(hidden.h.shape[:2])


def rated(hidden: Hidden) -> list[str]:
    """The attributes that the corpus tells of a set."""
    return [name for name in ATTRIBUTES if name in hidden.table and hidden.table[name].notna().any()]
