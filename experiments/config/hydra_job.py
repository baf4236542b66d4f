"""From what Hydra runs now to a job of its own. Nothing here imports PyTorch, which only the job itself needs."""

from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from experiments.jobs.job import Job
from experiments.jobs.sweeps import SweepPlace


def job_of(cfg: DictConfig) -> Job:
    """The run that Hydra runs now, as a command of its own.

    A number of devices that is none is taken as one, and so is a missing one: the job itself will say what is wrong.
    """
    trainer = cfg.get("trainer") or {}
    devices = str(trainer.get("devices"))
    return Job(
        overrides=tuple(_child_overrides()),
        processes=max(1, int(devices)) if devices.isdecimal() else 1,
        accelerator=str(trainer.get("accelerator")),
        threads_chosen=trainer.get("threads") is not None,
    )


def sweep_place() -> SweepPlace:
    """Where the job that Hydra runs now stands in its sweep."""
    hydra = HydraConfig.get()
    return SweepPlace(
        directory=Path(hydra.sweep.dir),
        number=int(hydra.job.num),
        options=tuple(hydra.overrides.task),
        launcher=str(hydra.launcher._target_),
        launcher_jobs=hydra.launcher.get("n_jobs") or 1,
    )


def _child_overrides() -> list[str]:
    """The command line of the job that Hydra runs now, for a process of its own."""
    hydra = HydraConfig.get()
    folders = [
        one.path.removeprefix("file://") for one in hydra.runtime.config_sources if one.provider == "command-line"
    ]
    return [
        *(f"--config-dir={folder}" for folder in folders),
        f"--config-name={hydra.job.config_name}",
        *(one for one in hydra.overrides.hydra if one.startswith("hydra.searchpath")),
        *hydra.overrides.task,
        "hydra.mode=RUN",  # a preset may ask for a sweep, and this is one job of it
    ]
