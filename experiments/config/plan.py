"""A run as plain values: what is trained on which data, how, and where it lies.

A plan is made once, from Hydra's config, by experiments.config.from_hydra; everything after takes it or a part of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datamodules.chunking import ChunkSettings
from datamodules.features import Features
from datamodules.samplers import PassSampler
from experiments.config.pretrained import Pretrained
from experiments.config.search import SearchPlan

Node = Mapping[str, Any]
"""`_target_` and arguments, as plain data."""


@dataclass(frozen=True)
class DataPlan:
    """Which corpus and pool, and how they are prepared."""

    name: str
    corpus: Node
    """The reader of the labelled corpus."""
    pool: Node
    """The reader of the unlabelled pool."""
    unlabeled_dir: str | None
    unlabeled_from: str
    """pool; or train: the training sentences without their labels stand in the pool's place."""
    unlabeled_size: int
    """Utterances that the run reads as U; 0 trains on labels alone."""
    pool_seed: int
    max_bad_files: float
    """The fraction of files that may be left out."""
    workers: int | None
    """Processes that extract features; None: one a core."""
    residency: str
    """See ChunkDataModule."""
    store_root: Path
    features: Features
    chunks: ChunkSettings


@dataclass(frozen=True)
class TrainerPlan:
    """On what a run trains."""

    accelerator: str
    """cpu or gpu."""
    devices: int
    """Of each machine."""
    num_nodes: int
    """Machines."""
    precision: str
    """As Lightning names it."""
    channels_last: bool
    deterministic: bool
    """Of GPUs; a processor always is."""
    threads: int | None
    """None takes PyTorch's choice."""
    progress_bar: bool

    @property
    def processes(self) -> int:
        """That train together, one a device."""
        return self.devices * self.num_nodes


@dataclass(frozen=True)
class LoggerPlan:
    """Where curves go beside history.csv."""

    backend: str | None
    """wandb, trackio, or None."""
    project: str = ""
    offline: bool = True


@dataclass(frozen=True)
class RunPlan:
    """Everything that decides a run, and where it lies."""

    model_name: str
    model: Node
    """The class and its constructor's arguments, its parts among them."""
    task: Node
    """The part `task`, before Train has told its scale or classes."""
    task_label: str
    data: DataPlan
    schedule: Node
    passes: tuple[str, ...]
    """The set of each pass, `L` or `U`; what the schedule gives."""
    sampler: type[PassSampler]
    callbacks: Mapping[str, Node]
    batch_size: int
    """Sentences of the whole batch, however many processes share it."""
    seed: int
    trainer: TrainerPlan
    logger: LoggerPlan
    run_root: Path
    overwrite: bool
    pretrained: Pretrained | None
    """An encoder that has learnt elsewhere."""
    search: SearchPlan | None
    """Of options inside the training set, before the training."""
    config: str
    """The whole config, resolved, as config.yaml keeps it."""
