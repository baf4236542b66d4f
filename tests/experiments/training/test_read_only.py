"""A run that is done is shown, evaluated and heard from a disk that can only be read; what would write says so."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_options import TINY_CORPUS

from experiments.results.run_result import RunResult

pytestmark = pytest.mark.faults
ROOT = Path(__file__).resolve().parents[3]
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'


def can_mount() -> bool:
    """Where a process may have mounts of its own, as root mostly may."""
    return shutil.which("unshare") is not None and not subprocess.run(["unshare", "-m", "true"]).returncode


@pytest.mark.slow
@pytest.mark.skipif(not can_mount(), reason="mounting is not permitted here")
def test_a_disk_that_can_only_be_read(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    places = [f"data.root={disk / 'corpus'}", f"run_root={disk / 'runs'}", f"store_root={disk / 'stores'}"]
    options = [*places, "trainer.progress_bar=false", "unlabeled_size=0", *TINY_CORPUS, "rounds=1", "batch_size=6"]

    def called(program, *arguments, mounted=True):
        command = [sys.executable, "-m", f"experiments.{program}", *map(str, arguments)]
        before = ["unshare", "-m", "bash", "-c", READ_ONLY, str(disk)] if mounted else []
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        ended = subprocess.run([*before, *command], cwd=ROOT, env=environment, capture_output=True, text=True)
        assert "Traceback" not in ended.stderr, ended.stderr
        return ended

    first = called("run", *options, mounted=False)
    assert first.returncode == 0, first.stderr
    again = called("run", *options)
    assert (again.returncode, again.stdout) == (0, first.stdout), again.stderr
    (run,) = (disk / "runs").glob("*-*")
    recording = next((disk / "corpus" / "Audios").glob("*.wav"))
    for program, *arguments in (
        ("evaluate", run, "--output", tmp_path / "evaluations"),
        ("predict", "--checkpoint", run, "--output", tmp_path / "p.csv", recording),
        ("page", "--runs", disk / "runs", "--output", tmp_path / "page.html"),
        ("prepare", *options),
    ):
        assert called(program, *arguments).returncode == 0, program
    for program, *arguments in (
        ("run", *options, "overwrite=true"),
        ("run", *options, "seed=1"),
        ("run", "-m", *options, "seed=0,1"),
        ("evaluate", run),
        ("predict", "--checkpoint", run, "--output", disk / "p.csv", recording),
        ("page", "--runs", disk / "runs", "--output", disk / "page.html"),
    ):
        refused = called(program, *arguments)
        assert refused.returncode == 2, (program, arguments)
        assert refused.stderr.splitlines()[-1].startswith("error: ")
    assert called("run", *options).stdout == first.stdout


def test_a_run_that_is_done_is_not_held_where_nothing_can_be_written(tmp_path, monkeypatch):
    run = RunResult(tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with run.lock():
        assert (tmp_path / "LOCK").exists()
    (tmp_path / "LOCK").unlink()
    for name in ("DONE", "metrics.json"):
        (tmp_path / name).touch()
    with run.lock():
        assert not (tmp_path / "LOCK").exists()
