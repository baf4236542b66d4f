"""Train one model: `python -m experiments.run model=acg_emocluster data=msp_podcast data.root=…`; with -m a sweep."""

import sys

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from datamodules.errors import ConfigurationError
from experiments import CONF
from experiments.config.command_line import check_command_line
from experiments.config.hydra_errors import hydra_errors
from experiments.config.hydra_job import job_of, sweep_place
from experiments.config.question import Question
from experiments.console.beginning import importing
from experiments.console.log_lines import log_to_console, quiet_lightning
from experiments.console.user_errors import user_errors
from experiments.jobs.job import run_job
from experiments.jobs.orphans import end_with_starter
from experiments.jobs.started import started_processes
from experiments.jobs.sweeps import SweepReport, run_sweep_job


@hydra.main(config_path=str(CONF), config_name="config", version_base="1.3")
def main(cfg: DictConfig) -> float | None:
    """Train, print the result, and return the development set's score, which a sweep's optimiser maximises."""
    log_to_console()
    with user_errors():
        started = started_processes()
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            if started > 1:
                raise ConfigurationError("-m starts its jobs' processes itself: leave torchrun out.")
            return run_sweep_job(job_of(cfg), sweep_place())
        job = job_of(cfg)
        question = Question.of(cfg) if started == 1 else None
        if question is not None and (before := question.tell()):
            return before["objective"]
        if job.processes > 1 and started == 1:
            sys.exit(run_job(job, {}).status)
        with importing():  # here, because only a process that trains needs PyTorch
            quiet_lightning()
            from experiments.config.from_hydra import make_plan
            from experiments.training.told import train_and_tell

        return train_and_tell(make_plan(cfg), list(HydraConfig.get().overrides.task), question)


if __name__ == "__main__":
    end_with_starter()
    with SweepReport.at_the_end(), user_errors(), hydra_errors():
        check_command_line(sys.argv[1:])
        main()
