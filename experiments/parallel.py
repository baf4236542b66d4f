"""What Lightning must be told so that several processes train as one would."""

import os
from datetime import timedelta
from typing import Any

import pytorch_lightning as pl
import torch.distributed as dist
from pytorch_lightning.strategies import DDPStrategy

from sermodels.synchronized_norm import SynchronizedOnCPU

# Others wait for the first process while it clusters, or while another job holds the run. A process that dies is
# noticed by whoever started it, not by this.
PATIENCE = timedelta(days=1)


def started_processes() -> int:
    """How many processes torchrun (or a cluster) started for this training; 1 for a plain start."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def join_processes(accelerator: str) -> None:
    """Meet the other processes, before anything is decided that all must agree on."""
    if started_processes() > 1 and not dist.is_initialized():
        # Embeddings, predictions and decisions travel by main memory, gradients between GPUs.
        dist.init_process_group("gloo" if accelerator == "cpu" else "cpu:gloo,cuda:nccl", timeout=PATIENCE)


def parallel_options(accelerator: str, processes: int) -> tuple[dict[str, Any], list[Any]]:
    """Arguments and plugins of a Trainer whose batches `processes` processes share; none for a single one."""
    if processes == 1:
        return {}, []
    strategy = DDPStrategy(
        # Passes over U leave f_emo without a gradient.
        find_unused_parameters=True,
        # Synchronised normalisation keeps the running statistics equal; copying them at every step would be in vain.
        broadcast_buffers=False,
    )
    if accelerator == "cpu":
        return {"strategy": strategy}, [SynchronizedOnCPU()]
    return {"strategy": strategy, "sync_batchnorm": True}, []


class WorldSizeCheck(pl.Callback):
    """Refuses to train in fewer or more processes than were asked for, which goes unnoticed otherwise."""

    def __init__(self, expected: int) -> None:
        self.expected = expected

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Raises RuntimeError for another number."""
        if trainer.world_size != self.expected:
            raise RuntimeError(f"{self.expected} processes were to train together, and there are {trainer.world_size}")
