"""What a sweep (`-m`) does with each of its jobs, and the table at its end. Nothing here imports PyTorch."""

import csv
import json
import os
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from traceback import print_exc
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiments.console import EXIT_INTERRUPTED, EXIT_USER_ERROR
from experiments.gpus import hold_gpus, visible_gpus
from experiments.jobs import (
    DONE,
    DONE_BEFORE,
    FAILED,
    INTERRUPTED,
    JobResult,
    child_overrides,
    processes_wanted,
    run_job,
    threads_of,
)
from experiments.run_directory import write_json

RUNNING = "lost"
"""What a job's file says until the job has ended: all that is left to say of one whose starter was killed too."""


def run_sweep_job(cfg: DictConfig) -> float | None:
    """Train one combination of a sweep; its mean validation CCC, or None where it failed.

    Never raises for a job that failed: the other jobs go on, and the sweep's exit status tells in the end.
    """
    hydra = HydraConfig.get()
    file = Path(hydra.sweep.dir) / f"job-{hydra.job.num}.json"
    known = {"number": hydra.job.num, "overrides": list(hydra.overrides.task)}
    write_json(file, {**known, **asdict(JobResult(RUNNING, 1, "the process that started it ended before it"))})
    try:
        result = _run(cfg, hydra)
    except Exception as error:
        print_exc()
        result = JobResult(FAILED, 1, str(error))
    ccc = result.metrics.get("validation", {}).get("ccc", {})
    test = {
        f"{name}/ccc_{attribute}": value
        for name, scores in result.metrics.get("test", {}).items()
        for attribute, value in scores["ccc"].items()
    }
    validation = {f"validation/ccc_{attribute}": value for attribute, value in ccc.items()}
    write_json(file, {**known, **asdict(result), "scores": validation | test})
    if result.state == INTERRUPTED:
        raise KeyboardInterrupt  # the user wants the sweep to end, not the next job to start
    return sum(ccc.values()) / len(ccc) if ccc else None


def _run(cfg: DictConfig, hydra: Any) -> JobResult:
    """Run the job with its share of this machine."""
    processes = processes_wanted(cfg)
    launcher = str(hydra.launcher._target_)
    alone = "BasicLauncher" in launcher
    overrides = [*child_overrides(), *([] if alone else ["trainer.progress_bar=false"])]
    with ExitStack() as stack:
        environment = {}
        if cfg.trainer.accelerator == "gpu" and "Joblib" in launcher:
            gpus = stack.enter_context(hold_gpus(processes, visible_gpus()))
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
        return run_job(overrides, processes, environment, threads_of(cfg, processes, _jobs_at_once(hydra)))


def _jobs_at_once(hydra: Any) -> int:
    """Of the launchers known here joblib alone runs several jobs on one machine's cores."""
    count = hydra.launcher.get("n_jobs") or 1
    return count if count > 0 else len(os.sched_getaffinity(0)) + 1 + count


class SweepReport(Callback):
    """Hydra's callback (conf/config.yaml): at the end of a sweep its table, summary.csv, and exit status."""

    directory: Path | None = None
    """Of the sweep that is going on."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Remember where the jobs will write; exit 2 where another sweep does."""
        directory = Path(config.hydra.sweep.dir).resolve()
        try:
            directory.mkdir(parents=True)
        except FileExistsError:
            print(f"error: {directory}: is another sweep's; start again, or set hydra.sweep.dir.", file=sys.stderr)
            sys.exit(EXIT_USER_ERROR)
        SweepReport.directory = directory

    @classmethod
    def finish(cls) -> None:
        """Report the sweep that ended, whichever way it did; exit 1 if one of its jobs is not done, 130 if stopped."""
        if cls.directory is None:
            return
        jobs = sorted((json.loads(file.read_text()) for file in cls.directory.glob("job-*.json")), key=_number)
        write_summary(cls.directory / "summary.csv", jobs)
        show(jobs, cls.directory)
        states = {job["state"] for job in jobs}
        if INTERRUPTED in states:
            sys.exit(EXIT_INTERRUPTED)
        if states - {DONE, DONE_BEFORE}:
            sys.exit(1)


def _number(job: dict[str, Any]) -> int:
    return int(job["number"])


def write_summary(path: Path, jobs: list[dict[str, Any]]) -> None:
    """summary.csv: a row a job; a column for each option that was swept and for each score."""
    options = swept(jobs)
    names = list(dict.fromkeys(name for one in options for name in one))
    scores = list(dict.fromkeys(name for job in jobs for name in job.get("scores", {})))
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["job", "state", *names, *scores, "seconds", "directory", "reason"])
        for job, chosen in zip(jobs, options, strict=True):
            values = [*(chosen.get(name, "") for name in names), *(job.get("scores", {}).get(s, "") for s in scores)]
            writer.writerow([job["number"], job["state"], *values, job["seconds"], job["directory"], job["reason"]])


def swept(jobs: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Of every job the options that are not the same for all; all of them where there is one job."""
    options = [dict(one.lstrip("+~").split("=", 1) for one in job["overrides"] if "=" in one) for job in jobs]
    if len(jobs) == 1:
        return options
    return [{k: v for k, v in one.items() if any(other.get(k) != v for other in options)} for one in options]


def _of_kind(scores: dict[str, float], kind: str) -> str:
    return " ".join(f"{value:.4f}" for name, value in scores.items() if name.startswith(kind))


def show(jobs: list[dict[str, Any]], directory: Path) -> None:
    """The sweep's jobs as a table."""
    table = Table(title=f"{len(jobs)} jobs", title_justify="left")
    for column in ("job", "state", "options", "validation", "test", "why"):
        table.add_column(column)
    for job, options in zip(jobs, swept(jobs), strict=True):
        scores = job.get("scores", {})
        parts = [_of_kind(scores, "validation"), _of_kind(scores, "test")]
        cells = (
            str(job["number"]),
            job["state"],
            " ".join(f"{k}={v}" for k, v in options.items()),
            *parts,
            job["reason"],
        )
        table.add_row(*map(escape, cells))
    console = Console(highlight=False)
    console.print(table)
    console.print(str(directory / "summary.csv"), soft_wrap=True, markup=False)
