"""A sweep over runs that stand in a file, each with options of its own, by any of Hydra's launchers.

A sweep's own parameters make products alone, and the rows of a table are none. `run_listed` starts this module as a
program: `python -m experiments.report.listed_runs -m file=jobs.json job=0,1,2 hydra/launcher=joblib`.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import hydra

from experiments import CONF
from experiments.config.command_line import check_command_line
from experiments.config.hydra_job import sweep_place
from experiments.console.log_lines import log_to_console
from experiments.console.user_errors import EXIT_INTERRUPTED, user_errors
from experiments.jobs.child_process import wait_for
from experiments.jobs.job import Job
from experiments.jobs.orphans import end_with_starter, started_by
from experiments.jobs.sweeps import SweepReport, run_sweep_job
from experiments.results.files import write_json

CONFIG = "listed_runs"


def run_listed(jobs: Sequence[Job], directory: Path, launcher: Sequence[str]) -> int:
    """Run every job, whatever becomes of the others; the sweep's exit status: 0, 1 if one failed, 130 if interrupted.

    directory: where the list and the sweep's own files go. launcher: Hydra's options, as `hydra/launcher=joblib`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    listed = {"jobs": [asdict(one) for one in jobs]}
    # Named by what it holds: jobs that still wait for a machine must not find another call's list.
    digest = hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:8]
    file = directory / f"jobs-{digest}.json"
    write_json(file, listed)
    numbers = ",".join(map(str, range(len(jobs))))
    command = [sys.executable, "-m", "experiments.report.listed_runs", "-m", f"file='{file.resolve()}'"]
    # A single number would be no sweep's parameter, and is one all the same.
    options = [f"job={numbers}", f"sweeps='{(directory / 'sweeps').resolve()}'", *launcher]
    variables = {**os.environ, **started_by()}
    # In a group of its own, so that Ctrl-C in a terminal reaches it once, through this process.
    status, asked_to_end = wait_for(subprocess.Popen([*command, *options], env=variables, process_group=0))
    # The sweep may have been done by then; what comes after it is not to begin all the same.
    return EXIT_INTERRUPTED if asked_to_end and status == 0 else status


@hydra.main(config_path=str(CONF), config_name=CONFIG, version_base="1.3")
def main(cfg: Any) -> float | None:
    """Run the job of the list whose number the sweep gives."""
    log_to_console()
    with user_errors():
        listed = json.loads(Path(cfg.file).read_text())["jobs"][cfg.job]
        job = Job(**{**listed, "overrides": tuple(listed["overrides"])})
        return run_sweep_job(job, replace(sweep_place(), options=job.overrides))


if __name__ == "__main__":
    end_with_starter()
    with SweepReport.at_the_end(), user_errors():
        check_command_line([f"--config-name={CONFIG}", *sys.argv[1:]])
        main()
