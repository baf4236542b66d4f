"""Values that mean nothing, and choices that contradict each other; told before any work is done."""

import math
import os
from typing import Any

import torch

from datamodules.datamodule import RESIDENCIES
from datamodules.errors import ConfigurationError
from experiments.config.plan import LoggerPlan, Node, RunPlan, TrainerPlan
from experiments.config.targets import makes_clusters
from sermodels.encoders.encoder import Encoder
from sermodels.module import EmotionModule

# The least each whole number may be, and what that least would mean.
WHOLE_NUMBERS = {
    "rounds": (1, "passes over the labelled set"),
    "pretrain_rounds": (0, "passes over the unlabelled set alone"),
    "batch_size": (1, "sentences"),
    "unlabeled_size": (0, "sentences of the pool; 0 trains on labels alone"),
    "seed": (0, "up to 2^32 - 1"),
}

# As people write them, and as Lightning calls them in full.
PRECISIONS = {"32": "32-true", "bf16": "bf16-mixed", "64": "64-true"}
ACCELERATORS = ("cpu", "gpu")
UNLABELED_FROM = ("pool", "train")
MOST_THREADS = 1024  # tens of thousands end the process


def check_finite(value: Any, where: str = "") -> None:
    """No option is infinite or NaN, which is not even the same as itself."""
    if isinstance(value, dict):
        for name, one in value.items():
            check_finite(one, f"{where}.{name}" if where else str(name))
    elif isinstance(value, list):
        for one in value:
            check_finite(one, where)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigurationError(f"{where}={value}: set a number that is finite.")


def check_numbers(knobs: Node) -> None:
    """Whole numbers; `knobs` is the config's root."""
    for name, (least, meaning) in WHOLE_NUMBERS.items():
        if type(knobs[name]) is not int or knobs[name] < least:  # True is an int too
            raise ConfigurationError(f"{name}={knobs[name]}: set a whole number, {least} or more ({meaning}).")
    if knobs["seed"] >= 2**32:
        raise ConfigurationError(f"seed={knobs['seed']}: set a whole number from 0 to 2^32 - 1.")


def check_data_values(data: Node) -> None:
    """Of the config's data: where U comes from, a fraction, a seed, a number of processes."""
    if not 0 <= data["max_bad_files"] <= 1:
        raise ConfigurationError(f"data.max_bad_files={data['max_bad_files']}: set a fraction from 0 to 1.")
    if data["unlabeled_from"] not in UNLABELED_FROM:
        raise ConfigurationError(
            f"data.unlabeled_from={data['unlabeled_from']}: take one of {', '.join(UNLABELED_FROM)}."
        )
    if not 0 <= data["pool_seed"] < 2**32:
        raise ConfigurationError(f"data.pool_seed={data['pool_seed']}: set a whole number from 0 to 2^32 - 1.")
    if data["workers"] is not None and data["workers"] < 1:
        raise ConfigurationError(f"data.workers={data['workers']}: set a whole number, 1 or more, or null.")


def check_trainer(trainer: TrainerPlan, batch_size: int) -> None:
    """Precision, numbers of devices and threads, and whether the devices can share a batch."""
    if trainer.accelerator not in ACCELERATORS:
        raise ConfigurationError(f"trainer.accelerator={trainer.accelerator}: take trainer=cpu or trainer=gpu.")
    if trainer.precision not in PRECISIONS.values():
        known = ", ".join(name for pair in PRECISIONS.items() for name in pair)
        raise ConfigurationError(
            f"trainer.precision={trainer.precision}: take one of {known}. "
            "16-mixed would scale the loss once and unscale it for each of several optimizers."
        )
    if trainer.threads is not None and not 1 <= trainer.threads <= MOST_THREADS:
        raise ConfigurationError(
            f"trainer.threads={trainer.threads}: set a whole number from 1 to {MOST_THREADS}, or null."
        )
    for name, what in (("devices", "of each machine"), ("num_nodes", "machines")):
        value = getattr(trainer, name)
        if value < 1:
            raise ConfigurationError(f"trainer.{name}={value}: set a whole number, 1 or more ({what}).")
    if batch_size % trainer.processes:
        raise ConfigurationError(
            f"batch_size={batch_size} is the whole batch's, which {trainer.processes} devices cannot share evenly; "
            f"set a multiple of {trainer.processes}."
        )


def check_devices(trainer: TrainerPlan) -> None:
    """Whether this machine has them."""
    if trainer.accelerator == "gpu" and not torch.cuda.is_available():
        raise ConfigurationError("trainer=gpu: this PyTorch finds no GPU here; set trainer=cpu.")
    if trainer.accelerator == "gpu" and trainer.devices > torch.cuda.device_count():
        raise ConfigurationError(
            f"trainer.devices={trainer.devices}: there are {torch.cuda.device_count()} GPUs here; set it lower."
        )


def check_places(plan: RunPlan) -> None:
    """Where features lie, and folders that can be made; nothing is made yet.

    What is complete may lie on a disk that can only be read.
    """
    if plan.data.residency not in RESIDENCIES:
        raise ConfigurationError(f"data.residency={plan.data.residency}: take one of {', '.join(RESIDENCIES)}.")
    for name, folder, complete in (
        ("run_root", plan.run_root, "*/DONE"),
        ("store_root", plan.data.store_root, "*/index.jsonl"),
    ):
        there = next(one for one in (folder, *folder.parents) if one.exists())
        can_be_written = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
        if not can_be_written and not any(folder.glob(complete)):
            raise ConfigurationError(f"{name}={folder}: cannot be made in {there}; set {name} elsewhere.")


def check_logger(logger: LoggerPlan) -> None:
    """Whether there is such a logger."""
    if logger.backend not in (None, "wandb", "trackio"):
        raise ConfigurationError(f"logger.backend is wandb, trackio or null, not {logger.backend!r}.")


def check_unlabeled(name: str, model: EmotionModule, unlabeled_size: int) -> None:
    """Whether the model has anything to learn from U."""
    if unlabeled_size and not model.learns_from_unlabeled:
        raise ConfigurationError(
            f"model={name} learns from labels alone, and unlabeled_size={unlabeled_size}; "
            "set unlabeled_size=0, or take another model."
        )


def check_model(plan: RunPlan, model: EmotionModule) -> None:
    """Whether model, sampler, callbacks and precision go together."""
    name, sampler = plan.model_name, plan.sampler
    _check_clusters(plan, hasattr(model, "embed"))  # as callbacks.protocols.Clustered says
    if model.needs_whole_sentences and not sampler.whole_sentences:
        raise ConfigurationError(
            f"model={name} with its parts reads whole sentences, but sampler {sampler.__name__} draws single chunks; "
            "take sampler=sentence or sampler=natural_sentence."
        )
    _check_chunks(plan, model)
    if model.needs_labels and not model.task.has_labels:
        raise ConfigurationError(f"task={model.task.label}: model={name} learns from labels; take another task.")
    if plan.search is not None and plan.trainer.processes > 1:
        raise ConfigurationError(
            f"search.trials={plan.search.trials}: a search trains on one device, and trainer asks for "
            f"{plan.trainer.processes}; set trainer.devices=1, or search.trials=0."
        )
    if plan.trainer.accelerator == "cpu" and "bf16" in plan.trainer.precision:
        for encoder in model.modules():
            if isinstance(encoder, Encoder) and encoder.cpu_bf16_fault:
                raise ConfigurationError(f"trainer.precision: {encoder.cpu_bf16_fault}.")


def _check_chunks(plan: RunPlan, model: EmotionModule) -> None:
    """Pieces are as many as a sentence is long, which single chunks alone can do with."""
    if plan.data.features.frames_a_piece is None:
        return
    if hasattr(model, "embed") or plan.sampler.whole_sentences or model.needs_whole_sentences:
        raise ConfigurationError(
            f"features=pieces: model={plan.model_name} with its sampler reads as many chunks of every sentence; take "
            "features=deepemocluster or features=acg, or sampler=natural with a model that clusters nothing."
        )


def _check_clusters(plan: RunPlan, clustered: bool) -> None:
    """Clusters are made if the model learns them, and only then."""
    name, sampler = plan.model_name, plan.sampler
    if clustered:
        if not makes_clusters(plan.callbacks):
            raise ConfigurationError(
                f"model={name} learns clusters, and no callback makes any; leave callbacks.pseudo_labels as it is."
            )
    elif makes_clusters(plan.callbacks):
        raise ConfigurationError(
            f"model={name} has no clusters, and a callback would make some; leave callbacks.pseudo_labels out."
        )
    elif sampler.needs_clusters:
        raise ConfigurationError(
            f"model={name} makes no clusters, and sampler {sampler.__name__} draws by them; "
            "take sampler=natural or natural_sentence."
        )
