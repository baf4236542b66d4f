"""What a round of a training costs here, by the program's own Trainer, on simulated sentences of a corpus's size.

Shapes: S sentences, C chunks, T frames, F bins.
"""

import csv
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from datamodules.batch import LABELED, UNLABELED
from datamodules.datamodule import ChunkDataModule
from datamodules.errors import ConfigurationError
from datamodules.features.settings import FeatureSettings
from datamodules.front_end import FrontEnd
from datamodules.labels import ATTRIBUTES, EMOTION
from datamodules.sentence_set import SentenceSet
from experiments.bench.rows import Row
from experiments.bench.timing import measured
from experiments.config.composing import composed
from experiments.config.from_hydra import make_plan
from experiments.config.plan import Node, RunPlan
from experiments.training.trainer import make_model, make_trainer
from sermodels.parts import make
from sermodels.tasks.task import Task

STORED_FRAMES = 200_000
"""Sentences share these: what they hold does not change what they cost, and a corpus of them fits a disk's memory."""
DEVELOPMENT = 0.1
"""Of the labelled sentences, beside them."""


def round_costs(chosen: Sequence[str], labeled: int, unlabeled: int) -> Iterator[Row]:
    """A row a model and set, of the last pass over it, when caches are warm.

    chosen: the options of each model. labeled, unlabeled: sentences of 2.75 to 11 s.
    """
    for overrides in chosen:
        with tempfile.TemporaryDirectory() as place:
            yield from _of_one(overrides, labeled, unlabeled, Path(place))


def _of_one(overrides: str, labeled: int, unlabeled: int, place: Path) -> Iterator[Row]:
    options = (
        "rounds=2",
        "training_defaults.pretrain_rounds=2",
        f"run_root={place}",
        f"store_root={place}",
        "trainer.progress_bar=false",
    )
    plan = make_plan(composed(*options, *overrides.split()))
    sets = {LABELED: labeled, UNLABELED: unlabeled, "development": round(DEVELOPMENT * labeled)}
    tables = {name: labels_of(count) for name, count in sets.items() if count}
    told: Node = {**plan.task, **make("task", plan.task, Task).fitted(tables[LABELED], "the bench")}
    data = simulated_data(plan, tables, make("task", told, Task))
    model = make_model(plan, told)
    trainer = make_trainer(plan, model, place, False)
    with measured(trainer.strategy.root_device) as whole:
        trainer.fit(model, datamodule=data)
    with (place / "history.csv").open() as lines:
        passes = list(csv.DictReader(lines))
    clustering = _clustering(place)
    last = {row["set"]: row for row in passes}
    of_set = {name: (row, clustering.get(row["pass"])) for name, row in last.items()}
    of_round: dict[str, list[tuple[dict[str, str], float | None]]] = {name: [one] for name, one in of_set.items()}
    of_round["a round"] = [*of_set.values()]
    for name, parts in of_round.items():
        seconds = sum(float(row["seconds"]) for row, _ in parts)
        labelling = sum(took or 0.0 for _, took in parts) if clustering else None
        yield {
            "options": f"`{overrides}`",
            "set": name,
            "sentences": sum(sets[row["set"]] for row, _ in parts),
            "batches": sum(int(row["batches"]) for row, _ in parts),
            "seconds": seconds,
            "of them embedding and k-means": labelling,
            "share": None if labelling is None else labelling / seconds,
            "GPU GB": whole.device_gb,
        }


def _clustering(place: Path) -> dict[str, float]:
    """Seconds of each pass's re-labelling, where there is one."""
    file = place / "clusters.csv"
    if not file.is_file():
        return {}
    with file.open() as lines:
        return {row["pass"]: float(row["seconds"]) for row in csv.DictReader(lines)}


def simulated_data(plan: RunPlan, tables: dict[str, pd.DataFrame], task: Task) -> ChunkDataModule:
    """Sentences of noise as a run reads them. Raises ConfigurationError for a model of pieces."""
    features, chunks = plan.data.features, plan.data.chunks
    if not isinstance(features, FeatureSettings):
        raise ConfigurationError(f"rounds: model={plan.model_name} reads pieces; measure one that reads chunks.")
    frames = torch.randn(STORED_FRAMES, features.num_bins, generator=torch.Generator().manual_seed(0)).half()
    sets = {}
    for at, (name, table) in enumerate(tables.items()):
        rng = np.random.default_rng(at)
        samples = (rng.uniform(2.75, 11, len(table)) * features.sample_rate).astype(int)
        lengths = torch.tensor([features.num_frames(one) for one in samples.tolist()])
        offsets = torch.from_numpy(rng.integers(0, STORED_FRAMES - int(lengths.max()), len(table)))
        labels = task.encode(table)
        if name == UNLABELED:
            labels = torch.full_like(labels, torch.nan)
        starts = chunks.starts(lengths, features)
        window = chunks.window_frames(features)
        sets[name] = SentenceSet(name, table, frames, offsets, lengths, labels, starts, window)
    bins = features.num_bins
    front_end = FrontEnd(features, chunks, torch.zeros(bins), torch.ones(bins))
    return ChunkDataModule(sets, front_end, plan.passes, plan.sampler, plan.batch_size, plan.seed, plan.data.residency)


def labels_of(count: int) -> pd.DataFrame:
    """Sentences with ratings and a category, whatever a task reads of them; all of one speaker."""
    number = np.arange(count)
    ratings = {name: 1.0 + number % 7 for name in ATTRIBUTES}
    named = {"utterance_id": number.astype(str), "speaker": "1"}
    return pd.DataFrame({**named, **ratings, EMOTION: np.where(number % 2, "anger", "neutral")})
