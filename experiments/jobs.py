"""One run as a job of its own: in a fresh process, or in several that train together.

A sweep's jobs and trainings on several devices are never done in the process that Hydra runs: Lightning would start its
further processes with the sweep's own command line, each of which sweeps anew. Nothing here imports PyTorch.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from experiments.run_directory import RunDirectory
from experiments.telling import TOLD, told

DONE, DONE_BEFORE, FAILED, INTERRUPTED = "done", "done before", "failed", "interrupted"


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

    @property
    def metrics(self) -> dict[str, Any]:
        """The run's metrics.json; empty unless it is done."""
        if self.state not in (DONE, DONE_BEFORE):
            return {}
        return json.loads((Path(self.directory) / "metrics.json").read_text())


def started_processes() -> int:
    """How many processes torchrun, of which this is one, started for the training; 1 for a plain start."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def child_overrides() -> list[str]:
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


def processes_wanted(cfg: DictConfig) -> int:
    """trainer.devices, 1 where it is no number: the job itself will say what is wrong with it."""
    devices = str(cfg.trainer.devices)
    return max(1, int(devices)) if devices.isdecimal() else 1


def threads_of(cfg: DictConfig, processes: int, jobs_at_once: int) -> int | None:
    """Threads of each process, so that all processes of all jobs fill the machine and no more.

    None leaves it to PyTorch, where one process has the machine to itself or the user has chosen.
    """
    together = processes * jobs_at_once
    if together == 1 or cfg.trainer.threads is not None or "OMP_NUM_THREADS" in os.environ:
        return None
    return max(1, len(os.sched_getaffinity(0)) // together)


def run_job(overrides: Sequence[str], processes: int, environment: dict[str, str], threads: int | None) -> JobResult:
    """Train `experiments.run OVERRIDES` in `processes` fresh processes and wait for them.

    environment: variables set for the job beside this process's own. threads: of each process, null for PyTorch's
    choice. Interrupted, it hands the signal on and waits until the job has ended too.
    """
    with tempfile.TemporaryDirectory(prefix="emocluster-") as folder:
        file = Path(folder) / "told"
        file.touch()
        what = ["experiments.launch", str(processes)] if processes > 1 else ["experiments.run"]
        variables = {**os.environ, **environment, TOLD: str(file)}
        if threads is not None:
            variables["OMP_NUM_THREADS"] = str(threads)
        started, clock = time.time(), time.perf_counter()
        # In a group of its own, so that Ctrl-C in a terminal reaches it once, through this process.
        process = subprocess.Popen([sys.executable, "-m", *what, *overrides], env=variables, process_group=0)
        status, interrupted = wait_for(process)
        facts = told(file)
        seconds = round(time.perf_counter() - clock, 1)
    directory = facts.directory
    if status == 0:
        before = (Path(directory) / "DONE").stat().st_mtime < started
        return JobResult(DONE_BEFORE if before else DONE, status, "", directory, seconds)
    if interrupted:
        return JobResult(INTERRUPTED, status, "the same command goes on", directory, seconds)
    reason = facts.reason or describe_status(status)
    if processes > 1:  # a single one has said so itself
        print(f"error: {reason}", file=sys.stderr, flush=True)
    if directory:  # a process that was killed had no time to write that itself
        run = RunDirectory(Path(directory))
        run.begin()
        run.mark_failed(reason)
    return JobResult(FAILED, status, reason, directory, seconds)


def wait_for(process: subprocess.Popen[bytes]) -> tuple[int, bool]:
    """The process's exit status, and whether a signal that was to end this one was handed on to it instead."""
    handed_on = False

    def hand_on(number: int, frame: Any) -> None:
        nonlocal handed_on
        handed_on = True
        process.send_signal(number)

    before = {number: signal.signal(number, hand_on) for number in heeded_signals()}
    try:
        code = process.wait()
    finally:
        if process.poll() is None:  # a launcher's own signal handler ends this process: no orphans
            process.terminate()
            process.wait()
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code, handed_on


def heeded_signals() -> list[signal.Signals]:
    """Of those that end a program, the ones that this one does not ignore, as nohup has it ignore a closed terminal."""
    ends = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    return [number for number in ends if signal.getsignal(number) is not signal.SIG_IGN]


def describe_status(status: int) -> str:
    """What an exit status says of a process that said nothing itself."""
    number = status - 128
    name = {one.value: one.name for one in signal.Signals}.get(number)
    if name is None:
        return f"it ended with exit status {status} and said no reason"
    hint = " (the system does that to a process that uses too much memory)" if number == signal.SIGKILL else ""
    return f"it was ended by {name}{hint}"
