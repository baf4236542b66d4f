"""A training small enough for a test: random frames, four chunks a sentence, the real config, model and Trainer."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import pandas as pd
import pytorch_lightning as pl
import torch

from datamodules.batch import LABELED, ChunkBatch
from datamodules.chunking import ChunkSettings
from datamodules.datamodule import ChunkDataModule
from datamodules.features.settings import FeatureSettings
from datamodules.front_end import FrontEnd
from datamodules.processes import Share
from datamodules.samplers import ChunkUniform, PassSampler
from datamodules.sentence_set import SentenceSet
from experiments.config.composing import choices, composed
from experiments.config.from_hydra import make_plan
from experiments.config.plan import RunPlan
from experiments.training.trainer import make_model, make_trainer
from sermodels.module import EmotionModule
from sermodels.parts import make
from sermodels.tasks.task import Task

MELS, FRAMES, CHUNKS, CLUSTERS = 16, 8, 4, 4
FEATURES = FeatureSettings(num_mels=MELS, clip=None)
WINDOW = ChunkSettings(window_seconds=FRAMES * 256 / 16000, max_seconds=CHUNKS * FRAMES * 256 / 16000)


def sized(frames: int, mels: int) -> tuple[str, ...]:
    """The options for four chunks of this size a sentence."""
    return (
        f"features.num_mels={mels}",
        f"data.chunks.window_seconds={frames * 256 / 16000}",
        f"data.chunks.max_seconds={CHUNKS * frames * 256 / 16000}",
    )


SIZE = ["features.clip=null", *sized(FRAMES, MELS)]

EVERY_MODEL = choices("model")
# What a model must be told before it is one.
TOLD = {"frozen_classifier": ("pretrained.weights=random",)}
"""A new yaml is under every guarantee that a test takes from here."""
MODELS = [name for name in EVERY_MODEL if "optimization" in composed(f"model={name}")]
"""Those made of Φ, a head for emotion, and an optimization: all but the pre-training and what goes on with it."""
CATEGORIES = ("anger", "neutral", "sadness")
# Models that read pieces of speech by default read chunks like all others here, with a network that fits them.
PYRAMID = ("features=deepemocluster", "encoder.num_levels=2", "encoder.num_filters=3", "encoder.num_features=4")
OF_PIECES = {
    "began": (*PYRAMID, "callbacks.pictures.every=0"),
    "frozen_classifier": (*PYRAMID, "pretrained.weights=random", "search.trials=0"),
}


def is_clustered(model: str) -> bool:
    """Whether the model of this name learns clusters."""
    return "pseudo_labels" in plan(model).callbacks


CLUSTERED = [name for name in MODELS if "pseudo_labels" in composed(f"model={name}").get("callbacks", {})]
UNCLUSTERED = [name for name in MODELS if name not in CLUSTERED]


@cache
def plan(model: str = "deep_emocluster", *overrides: str) -> RunPlan:
    """The run of a model of conf/model, with options, on chunks of this file's size and 4 clusters."""
    clusters = [f"num_clusters={CLUSTERS}"] if model in CLUSTERED else []
    places = [f"{name}={gettempdir()}/emocluster-tests/{name}" for name in ("run_root", "store_root")]
    size = ["trainer.progress_bar=false", "trainer.threads=1", "batch_size=8", *SIZE, *clusters, *places]
    return make_plan(composed(f"model={model}", *OF_PIECES.get(model, ()), *size, *overrides))


def model(name: str = "deep_emocluster", *overrides: str, **task: Any) -> EmotionModule:
    """The untrained model of that run; `task` are arguments that Train would tell, as `classes` and `counts`."""
    one = plan(name, *overrides)
    return make_model(one, {**one.task, **task})


def batch(
    set_name: str = LABELED,
    sentences: int = 6,
    seed: int = 0,
    size: tuple[int, int, int] = (CHUNKS, FRAMES, MELS),
    dtype: torch.dtype = torch.float32,
    **given: Any,
) -> ChunkBatch:
    """Random whole sentences, with labels where the set has them and pseudo-labels; `given` replaces fields.

    size: chunks a sentence, their frames and mel bins.
    """
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randn(sentences, 1, generator=generator, dtype=dtype)
    made = ChunkBatch(
        set_name,
        torch.arange(sentences),
        torch.arange(size[0]).expand(sentences, -1),
        torch.randn(sentences, *size, generator=generator, dtype=dtype),
        labels if set_name == LABELED else torch.full_like(labels, torch.nan),
        torch.randint(CLUSTERS, (sentences, size[0]), generator=generator),
        Share(0, sentences, sentences),
    )
    return made._replace(**given)


def front_end() -> FrontEnd:
    return FrontEnd(FEATURES, WINDOW, torch.zeros(MELS), torch.ones(MELS))


def sentence_set(name: str, count: int, seed: int, labeled: bool = True) -> SentenceSet:
    """Sentences whose mean level is their label, so that something can be learnt; and an emotion by that level."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(FRAMES, 5 * FRAMES, (count,), generator=generator)
    offsets = lengths.cumsum(0) - lengths
    labels = torch.randn(count, 1, generator=generator)
    frames = torch.randn(int(lengths.sum()), MELS, generator=generator)
    frames += labels.repeat_interleave(lengths, 0) * torch.linspace(-1, 1, MELS)
    table = pd.DataFrame(
        {
            "utterance_id": [f"{name}-{i}" for i in range(count)],
            "speaker": "1",
            "arousal": labels[:, 0].double().numpy(),
            "emotion": [CATEGORIES[int(level > -0.5) + int(level > 0.5)] for level in labels[:, 0].tolist()],
        }
    )
    if not labeled:
        labels = torch.full_like(labels, torch.nan)
    starts = WINDOW.starts(lengths, FEATURES)
    return SentenceSet(name, table, frames.half(), offsets, lengths, labels, starts, FRAMES)


def datamodule(
    passes: str, sampler: type[PassSampler] = ChunkUniform, batch_size: int = 8, seed: int = 0, **sets
) -> ChunkDataModule:
    sets = sets or {
        "L": sentence_set("L", 24, 1),
        "U": sentence_set("U", 20, 2, labeled=False),
        "development": sentence_set("development", 10, 3),
    }
    return ChunkDataModule(sets, front_end(), tuple(passes), sampler, batch_size, seed)


def data_for(one: RunPlan, passes: str, task: Task | None = None, **sets) -> ChunkDataModule:
    """The data of `datamodule`, drawn by the run's own sampler and seed.

    task: what encodes the labels of labelled sets; without it they are arousal as it is.
    """
    data = datamodule(passes, one.sampler, one.batch_size, one.seed, **sets)
    for each in data.sets.values() if task else ():
        unlabeled, encoded = bool(each.labels.isnan().all()), task.encode(each.table)
        each.labels = torch.full_like(encoded, torch.nan) if unlabeled else encoded
    return data


def told_by(one: RunPlan, train: SentenceSet) -> dict[str, Any]:
    """The arguments of the run's task that a training set decides: for `model`."""
    return make("task", one.task, Task).fitted(train.table, train.name)


def trainer(
    one: RunPlan, module: EmotionModule, directory: Path, passes: int, callbacks: tuple[pl.Callback, ...] = ()
) -> pl.Trainer:
    """The program's own Trainer, for so many passes and with further callbacks at the end."""
    directory.mkdir(parents=True, exist_ok=True)
    made = make_trainer(replace(one, passes=("L",) * passes), module, directory, False)
    made.callbacks.extend(callbacks)
    return made
