"""Train one model: `python -m experiments.run model=acg_emocluster data=msp_podcast data.root=…`; with -m a sweep."""

import sys

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from experiments import CONF
from experiments.console import ConfigurationError, user_errors
from experiments.jobs import child_overrides, processes_wanted, run_job, started_processes, threads_of
from experiments.logs import log_to_console, quiet_lightning
from experiments.sweeps import SweepReport, run_sweep_job


@hydra.main(config_path=str(CONF), config_name="config", version_base="1.3")
def main(cfg: DictConfig) -> float | None:
    """Train, print the result, and return the mean validation CCC, which a sweep's optimiser maximises."""
    log_to_console()
    with user_errors():
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            if started_processes() > 1:
                raise ConfigurationError("-m starts its jobs' processes itself: leave torchrun out.")
            return run_sweep_job(cfg)
        processes = processes_wanted(cfg)
        if processes > 1 and started_processes() == 1:
            sys.exit(run_job(child_overrides(), processes, {}, threads_of(cfg, processes, 1)).status)
        quiet_lightning()
        from experiments.evaluation import show
        from experiments.parallel import leave_processes
        from experiments.training import train

        metrics, directory = train(cfg, list(HydraConfig.get().overrides.task))
        show(metrics, directory)
        leave_processes()
        values = list(metrics["validation"]["ccc"].values())
        return sum(values) / len(values)
    return None


if __name__ == "__main__":
    try:
        main()
    finally:
        SweepReport.finish()
