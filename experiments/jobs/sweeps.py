"""What a sweep (`-m`) does with each of its jobs, and how it ends."""

import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from traceback import print_exc
from typing import IO, Any

from hydra.experimental.callback import Callback

from datamodules.errors import DataError
from datamodules.locks import take
from experiments.console.user_errors import EXIT_INTERRUPTED, sentence_of, user_errors
from experiments.jobs.gpu_locks import hold_gpus, visible_gpus
from experiments.jobs.job import DONE, DONE_BEFORE, FAILED, Job, JobResult, run_job
from experiments.jobs.orphans import end_with
from experiments.jobs.sweep_table import show, write_summary
from experiments.results.files import read_json, write_json

LOST = "lost"
"""What a job's file says until the job has ended: all that is left to say of one whose starter was killed too."""


@dataclass(frozen=True)
class SweepPlace:
    """Where in a sweep a job stands, and what starts it."""

    directory: Path
    """The sweep's."""
    number: int
    """The job's."""
    options: tuple[str, ...]
    """The overrides that made the job."""
    launcher: str
    """The launcher's class."""
    launcher_jobs: int
    """n_jobs of a launcher that runs several at once on this machine; -1 for one a core, 1 for others."""

    @property
    def jobs_at_once(self) -> int:
        """Of the launchers known here joblib alone runs several jobs on one machine's cores."""
        count = self.launcher_jobs
        return count if count > 0 else len(os.sched_getaffinity(0)) + 1 + count


def run_sweep_job(job: Job, place: SweepPlace) -> float | None:
    """Train one combination of a sweep; its objective, or None where it failed.

    Never raises for a job that failed: the other jobs go on, and the sweep's exit status tells in the end.
    """
    file = place.directory / f"job-{place.number}.json"
    known = {"number": place.number, "overrides": list(place.options)}
    write_json(file, {**known, **asdict(JobResult(LOST, 1, "the process that started it ended before it"))})
    try:
        result = _run(job, place)
        scores = result.scores
    except Exception as error:
        sentence = sentence_of(error)
        if sentence is None:
            print_exc()
        else:
            print(f"error: {sentence}", file=sys.stderr, flush=True)
        result, scores = JobResult(FAILED, 1, sentence or str(error)), {}
    write_json(file, _without_nan({**known, **asdict(result), "scores": scores}))
    if result.asked_to_end:
        raise KeyboardInterrupt  # the user wants the sweep to end, not the next job to start
    return None if result.objective is None or math.isnan(result.objective) else result.objective


def _without_nan(facts: dict[str, Any]) -> dict[str, Any]:
    """With null for what is not defined, as the CCC of constant predictions; JSON has no NaN."""
    return {
        name: _without_nan(one)
        if isinstance(one, dict)
        else None
        if isinstance(one, float) and math.isnan(one)
        else one
        for name, one in facts.items()
    }


def _run(job: Job, place: SweepPlace) -> JobResult:
    """Run the job with its share of this machine."""
    if "BasicLauncher" not in place.launcher:
        job = replace(job, overrides=(*job.overrides, "trainer.progress_bar=false"))
    with ExitStack() as stack:
        environment = {}
        if "Joblib" in place.launcher:
            end_with(os.getppid())  # a worker of joblib's would outlive a sweep that is killed
        if job.accelerator == "gpu" and "Joblib" in place.launcher:
            gpus = stack.enter_context(hold_gpus(job.processes, visible_gpus()))
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
        return run_job(job, environment, place.jobs_at_once)


class SweepReport(Callback):
    """Hydra's callback (conf/config.yaml): at the end of a sweep its table, summary.csv, and exit status."""

    directory: Path | None = None
    """Of the sweep that is going on."""
    lock: IO[str] | None = None
    """Of the directory, as long as this process lives."""

    def on_multirun_start(self, config: Any, **kwargs: Any) -> None:
        """Remember where the jobs will write; exit 2 where another sweep does."""
        directory = Path(config.hydra.sweep.dir).resolve()
        with user_errors():  # of an exception Hydra would only warn
            SweepReport.lock = _begun(directory, _asked(config.hydra.overrides))
            SweepReport.directory = directory

    @classmethod
    @contextmanager
    def at_the_end(cls) -> Iterator[None]:
        """Around a program: report its sweep, whichever way it ends; exit 1 if a job is not done, 130 if stopped."""
        code: int | str | None = 0
        try:
            yield
        except SystemExit as end:  # interrupted perhaps between two jobs, where none of them was told
            code = end.code
        except Exception:
            if cls.directory is not None:
                _report(cls.directory)
            raise
        if cls.directory is not None:
            with user_errors():
                status = _report(cls.directory)
            code = max(code or 0, status) if isinstance(code, int | None) else code
        if code:
            sys.exit(code)


def _asked(overrides: Any) -> list[str]:
    """The options that make a sweep's jobs."""
    return [*overrides.task, *(one for one in overrides.hydra if "sweeper" in one.partition("=")[0])]


def _begun(directory: Path, asked: list[str]) -> IO[str]:
    """The sweep's directory, made or taken up again, locked. Raises DataError where it is another's."""
    directory.mkdir(parents=True, exist_ok=True)
    lock = (directory / ".lock").open("a")
    take(lock, directory)
    file = directory / "sweep.json"
    if file.exists():
        mine = read_json(file, dict[str, list[str]], "remove it") == {"overrides": asked}
    else:
        mine = all(one.name == ".lock" for one in directory.iterdir())
    if not mine:
        raise DataError(
            f"{directory}: is another sweep's, or something else lies there; set hydra.sweep.dir to a new folder, or "
            "give that sweep's own command again."
        )
    write_json(file, {"overrides": asked})
    return lock


def _report(directory: Path) -> int:
    """Write and show a sweep's table; the exit status that its jobs make it."""
    jobs = sorted((json.loads(file.read_text()) for file in directory.glob("job-*.json")), key=_number)
    if not jobs:  # it ended before the first
        return 0
    write_summary(directory / "summary.csv", jobs)
    show(jobs, directory)
    if any(job["asked_to_end"] for job in jobs):
        return EXIT_INTERRUPTED
    return 1 if {job["state"] for job in jobs} - {DONE, DONE_BEFORE} else 0


def _number(job: dict[str, Any]) -> int:
    return int(job["number"])
