"""Sentences that nobody spoke, as a run reads them.

Shapes: S sentences, C chunks, T frames, F bins.
"""

import numpy as np
import pandas as pd
import torch

from datamodules.batch import UNLABELED
from datamodules.datamodule import ChunkDataModule
from datamodules.errors import ConfigurationError
from datamodules.features.settings import FeatureSettings
from datamodules.front_end import FrontEnd
from datamodules.labels import ATTRIBUTES, EMOTION
from datamodules.sentence_set import SentenceSet
from experiments.config.plan import Node, RunPlan
from sermodels.parts import make
from sermodels.tasks.task import Task

STORED_FRAMES = 200_000
"""Sentences share these: what they hold does not change what they cost, and a corpus of them fits a disk's memory."""


def simulated_data(plan: RunPlan, tables: dict[str, pd.DataFrame], told: Node) -> ChunkDataModule:
    """Sentences of noise as a run reads them. Raises ConfigurationError for a model of pieces."""
    features, chunks = plan.data.features, plan.data.chunks
    if not isinstance(features, FeatureSettings):
        raise ConfigurationError(f"model={plan.model_name} reads pieces; measure one that reads chunks.")
    frames = torch.randn(STORED_FRAMES, features.num_bins, generator=torch.Generator().manual_seed(0)).half()
    sets = {}
    for at, (name, table) in enumerate(tables.items()):
        rng = np.random.default_rng(at)
        samples = (rng.uniform(2.75, 11, len(table)) * features.sample_rate).astype(int)
        lengths = torch.tensor([features.num_frames(one) for one in samples.tolist()])
        offsets = torch.from_numpy(rng.integers(0, STORED_FRAMES - int(lengths.max()), len(table)))
        labels = make("task", told, Task).encode(table)
        if name == UNLABELED:
            labels = torch.full_like(labels, torch.nan)
        starts = chunks.starts(lengths, features)
        window = chunks.window_frames(features)
        sets[name] = SentenceSet(name, table, frames, offsets, lengths, labels, starts, window)
    bins = features.num_bins
    front_end = FrontEnd(features, chunks, torch.zeros(bins), torch.ones(bins))
    return ChunkDataModule(sets, front_end, plan.passes, plan.sampler, plan.batch_size, plan.seed, plan.data.residency)


def fitted(plan: RunPlan, table: pd.DataFrame) -> Node:
    """A plan's task that knows the scale, or the classes, of these sentences."""
    return {**plan.task, **make("task", plan.task, Task).fitted(table, "the bench")}


def labels_of(count: int) -> pd.DataFrame:
    """Sentences with ratings and a category, whatever a task reads of them; all of one speaker."""
    number = np.arange(count)
    ratings = {name: 1.0 + number % 7 for name in ATTRIBUTES}
    named = {"utterance_id": number.astype(str), "speaker": "1"}
    return pd.DataFrame({**named, **ratings, EMOTION: np.where(number % 2, "anger", "neutral")})
