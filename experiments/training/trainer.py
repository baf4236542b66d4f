"""The Trainer whose epochs are passes, and the model it trains."""

import os
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.environments import LightningEnvironment, SLURMEnvironment

from callbacks.checkpoints import WholeCheckpointIO, best_checkpoint, last_checkpoint
from callbacks.divergence import DivergenceCheck
from callbacks.history import History
from callbacks.keyed_randomness import KeyedRandomness
from callbacks.pass_schedule import PassSchedule
from callbacks.progress import PassProgress
from callbacks.several_processes import EndOnSigterm, WorldSizeCheck
from experiments.config.building import build_model
from experiments.config.plan import Node, RunPlan
from experiments.config.targets import build_callback
from experiments.jobs.started import started_processes
from experiments.training.exactness import calculate_exactly
from experiments.training.joining import parallel_options
from sermodels.module import EmotionModule

VALUES_ON_GPU = 20
"""Batches between two looks of the progress bar at what a GPU has computed."""


def make_model(plan: RunPlan, task: Node) -> EmotionModule:
    """The model with a task that knows Train; its starting weights depend on the seed alone."""
    pl.seed_everything(plan.seed, verbose=False)
    model = build_model(plan, task)
    if plan.pretrained is not None and plan.pretrained.weights is not None:
        model.encoder.load_state_dict(plan.pretrained.weights)  # type: ignore[union-attr]
    return model.to(memory_format=torch.channels_last) if plan.trainer.channels_last else model


def _plugins(run: str) -> list[Any]:
    """Whole checkpoints, and no checkpoints of SLURM's in mid-pass: a requeued job goes on at the last whole pass."""
    plugins: list[Any] = [WholeCheckpointIO(run)]
    if started_processes() == 1 and SLURMEnvironment.detect():
        # Of an allocation of several tasks a plain start is one process all the same.
        several = os.environ.get("SLURM_NTASKS", "1") != "1"
        plugins.append(LightningEnvironment() if several else SLURMEnvironment(auto_requeue=False))
    return plugins


def make_trainer(plan: RunPlan, model: EmotionModule, directory: Path, loggers: Any) -> pl.Trainer:
    """A Trainer whose epochs are passes; `directory` is the run's."""
    calculate_exactly(plan.trainer.deterministic)
    trainer, task = plan.trainer, model.task
    parallel, parallel_plugins = parallel_options(trainer.accelerator, trainer.processes)
    callbacks: list[pl.Callback] = [
        WorldSizeCheck(trainer.processes),
        EndOnSigterm(),
        PassSchedule(),
        KeyedRandomness(plan.seed),
        *(build_callback(name, node, directory=directory) for name, node in plan.callbacks.items()),
        DivergenceCheck(),  # before the pass gets its row
        History(directory, [*model.loss_weights, *model.measures], task.scores),
        best_checkpoint(directory / "checkpoints", task.criterion, task.criterion_mode),
        last_checkpoint(directory / "checkpoints"),
    ]
    if trainer.progress_bar:
        callbacks.append(PassProgress(VALUES_ON_GPU if trainer.accelerator == "gpu" else 1))
    return pl.Trainer(
        accelerator=trainer.accelerator,
        devices=trainer.devices,
        num_nodes=trainer.num_nodes,
        **parallel,
        precision=trainer.precision,  # type: ignore[arg-type]
        max_epochs=len(plan.passes),
        callbacks=callbacks,
        plugins=[*_plugins(directory.name), *parallel_plugins],
        logger=loggers,
        default_root_dir=directory,
        # Every epoch reads another set, so its loader is made anew.
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        enable_model_summary=False,
        enable_progress_bar=trainer.progress_bar,
        log_every_n_steps=1,
    )
