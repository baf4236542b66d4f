"""A run as a job of its own."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.jobs.job import Job

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(("processes", "jobs", "threads"), [(1, 1, None), (2, 1, 4), (2, 2, 2), (16, 1, 1)])
def test_processes_share_the_cores(
    monkeypatch: pytest.MonkeyPatch, processes: int, jobs: int, threads: int | None
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    job = Job(overrides=(), processes=processes, accelerator="cpu", threads_chosen=False)
    assert job.threads(jobs) == threads
    assert replace(job, threads_chosen=True).threads(jobs) is None


def test_hydra_starts_no_job_in_its_own_process() -> None:
    """The process that sweeps never imports PyTorch: a second of start-up and a CUDA context a job otherwise."""
    code = "import experiments.run, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
