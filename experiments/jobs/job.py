"""One run as a job of its own: in a fresh process, or in several that train together.

A sweep's jobs and trainings on several devices are never done in the process that Hydra runs: Lightning would start its
further processes with the sweep's own command line, each of which sweeps anew. Nothing here imports PyTorch.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from experiments.console.report_file import REPORT_FILE, read_reports
from experiments.jobs.child_process import describe_status, wait_for
from experiments.jobs.orphans import started_by
from experiments.results.metrics import Metrics
from experiments.results.run_result import RunResult

DONE, DONE_BEFORE, FAILED, INTERRUPTED = "done", "done before", "failed", "interrupted"


@dataclass(frozen=True)
class Job:
    """A run that is to be done in processes of its own."""

    overrides: tuple[str, ...]
    """Of `experiments.run`."""
    processes: int
    """That train together."""
    accelerator: str
    """cpu or gpu."""
    threads_chosen: bool
    """Whether the user has set the number of threads."""

    def threads(self, jobs_at_once: int) -> int | None:
        """Threads of each process, so that all processes of all jobs fill the machine and no more.

        None leaves it to PyTorch, where one process has the machine to itself or the user has chosen.
        """
        together = self.processes * jobs_at_once
        if together == 1 or self.threads_chosen or "OMP_NUM_THREADS" in os.environ:
            return None
        return max(1, len(os.sched_getaffinity(0)) // together)


@dataclass(frozen=True)
class JobResult:
    """What became of a job."""

    state: str
    """done, done before, failed or interrupted."""
    status: int
    """The exit status, 128 + the signal's number where one ended the job."""
    reason: str = ""
    """Why it failed."""
    directory: str = ""
    """The run's, where the job came so far."""
    seconds: float = 0.0
    objective: float | None = None
    """What a search over options maximises; None unless the job is done."""
    asked_to_end: bool = False
    """Whether a signal was handed on to it. One that came after the last pass finds the job done all the same."""

    @property
    def scores(self) -> dict[str, float]:
        """The run's scores by set and name; none unless it is done."""
        if self.state not in (DONE, DONE_BEFORE):
            return {}
        return Metrics.read(Path(self.directory) / "metrics.json").scores


def run_job(job: Job, environment: dict[str, str], jobs_at_once: int = 1) -> JobResult:
    """Train it in fresh processes and wait for them.

    environment: variables set for the job beside this process's own. jobs_at_once: that share this machine.
    Interrupted, it hands the signal on and waits until the job has ended too.
    """
    with tempfile.TemporaryDirectory(prefix="emocluster-") as folder:
        file = Path(folder) / "report"
        file.touch()
        several = ["experiments.training.launch", str(job.processes)]
        what = several if job.processes > 1 else ["experiments.run"]
        variables = {**os.environ, **started_by(), **environment, REPORT_FILE: str(file)}
        threads = job.threads(jobs_at_once)
        if threads is not None:
            variables["OMP_NUM_THREADS"] = str(threads)
        started, clock = time.time(), time.perf_counter()
        # In a group of its own, so that Ctrl-C in a terminal reaches it once, through this process.
        process = subprocess.Popen([sys.executable, "-m", *what, *job.overrides], env=variables, process_group=0)
        status, interrupted = wait_for(process)
        report = read_reports(file)
        seconds = round(time.perf_counter() - clock, 1)
    directory = report.directory
    if status == 0:
        before = (Path(directory) / "DONE").stat().st_mtime < started
        state = DONE_BEFORE if before else DONE
        return JobResult(state, status, "", directory, seconds, report.objective, interrupted)
    if interrupted:
        return JobResult(INTERRUPTED, status, "the same command goes on", directory, seconds, asked_to_end=True)
    reason = report.reason or describe_status(status)
    if job.processes > 1:  # a single one has said so itself
        print(f"error: {reason}", file=sys.stderr, flush=True)
    if directory:  # a process that was killed had no time to write that itself
        run = RunResult(Path(directory))
        run.begin()
        run.mark_failed(reason)
    return JobResult(FAILED, status, reason, directory, seconds)
