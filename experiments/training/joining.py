"""How several processes meet, agree, train as one would, and part."""

from datetime import timedelta
from typing import Any

import torch.distributed as dist
from pytorch_lightning.plugins.environments import TorchElasticEnvironment
from pytorch_lightning.strategies import DDPStrategy

from datamodules.errors import ConfigurationError
from datamodules.processes import gather_objects
from experiments.jobs.started import started_processes
from sermodels.synchronized_norm import SynchronizedOnCPU

# Others wait for the first process while it clusters, or while another job holds the run. A process that dies is
# noticed by whoever started it, not by this.
PATIENCE = timedelta(days=1)


def join_processes(accelerator: str, processes: int) -> None:
    """Meet the other processes, before anything is decided that all must agree on.

    Raises ConfigurationError where another number was started than `processes`.
    """
    if started_processes() != processes:
        raise ConfigurationError(
            f"trainer.devices x trainer.num_nodes ask for {processes} processes, and {started_processes()} were "
            "started; on several machines start them with torchrun (docs/cluster.md), on one leave torchrun out."
        )
    if processes > 1 and not dist.is_initialized():
        # Embeddings, predictions and decisions travel by main memory, gradients between GPUs.
        dist.init_process_group("gloo" if accelerator == "cpu" else "cpu:gloo,cuda:nccl", timeout=PATIENCE)


def leave_processes() -> None:
    """Part in good order: a process that ends with its connections open may abort, and its run be called failed."""
    if dist.is_initialized():
        dist.destroy_process_group()


def refuse_unlike(what: str) -> None:
    """Raise ConfigurationError where the processes are about to train different things.

    what: of this process; the name of its run directory, which every option and the label table have made, or a
    digest of the data that it found.
    """
    found = gather_objects(what)
    if len(set(found)) > 1:
        others = ", ".join(f"{one} in process {process}" for process, one in enumerate(found))
        raise ConfigurationError(
            f"the processes that should train together were given different options or see different data ({others}); "
            "start all with the same command on the same data."
        )


def parallel_options(accelerator: str, processes: int) -> tuple[dict[str, Any], list[Any]]:
    """Arguments and plugins of a Trainer whose batches `processes` processes share; none for a single one."""
    if processes == 1:
        return {}, []
    strategy = DDPStrategy(
        # Passes over U leave f_emo without a gradient.
        find_unused_parameters=True,
    )
    # Named, because Lightning would take SLURM's variables, where there are any, for the processes' numbers.
    started_by = TorchElasticEnvironment()
    if accelerator == "cpu":
        return {"strategy": strategy}, [started_by, SynchronizedOnCPU()]
    return {"strategy": strategy, "sync_batchnorm": True}, [started_by]
