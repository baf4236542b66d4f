"""Whoever works for a program that is killed ends with it; what ends a program ends it like Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.jobs.orphans import STARTER, end_with_starter, started_by

ROOT = Path(__file__).resolve().parents[3]
pytestmark = [pytest.mark.faults, pytest.mark.slow]
SECONDS = 5.0  # that a killed program's processes may live on


def start(module: str, *arguments: str, place: Path) -> subprocess.Popen:
    variables = os.environ | {"OMP_NUM_THREADS": "1", "TMPDIR": str(place)}
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def below(process: int) -> set[int]:
    """All processes that it started, and those that these did."""
    try:
        children = {int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()}
    except FileNotFoundError:
        return set()
    return children.union(*(below(child) for child in children))


def lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition, seconds: float = 120.0, program: subprocess.Popen | None = None) -> None:
    """program: that must go on meanwhile."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        assert program is None or program.poll() is None, program.stderr.read()
        time.sleep(0.02)


def has_passed(runs: Path) -> bool:
    return any(runs.glob("*/checkpoints/last.ckpt"))


@pytest.mark.parametrize(
    "asked",
    [
        ["-m", "seed=0,1"],
        ["-m", "seed=0,1", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"],
        ["trainer.devices=2"],
    ],
    ids=["sweep", "joblib", "two processes"],
)
def test_a_killed_programs_processes_end(asked: list[str], tiny: list[str], tmp_path: Path) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    program = start("experiments.run", *asked, *tiny, "rounds=500", "trainer.threads=1", place=place)
    runs = tmp_path / "runs"
    wait_until(lambda: has_passed(runs), program=program)
    workers = below(program.pid)
    assert len(workers) >= 1
    assert list(place.glob("emocluster-*"))
    program.kill()
    program.wait()
    wait_until(lambda: not any(map(lives, workers)), SECONDS)
    assert not list(place.glob("emocluster-*"))
    for run in runs.glob("*-*"):
        assert not (run / "DONE").exists()
        assert not (run / "FAILED").exists()


@pytest.fixture(scope="module")
def many_files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options that read a corpus of more files than are done without further processes."""
    sizes = ["data.corpus.train=210", "data.corpus.development=3", "data.corpus.test1=3", "unlabeled_size=0"]
    lengths = ["data.corpus.min_seconds=1.1", "data.corpus.max_seconds=1.2"]
    place = tmp_path_factory.mktemp("many")
    options = ["data=synthetic", *sizes, *lengths, f"data.root={place / 'corpus'}", f"run_root={place / 'runs'}"]
    made = start("experiments.prepare", *options, f"store_root={place / 'stores'}", place=place)
    assert made.wait(300) == 0
    return options


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGXCPU, signal.SIGHUP])
def test_a_preparation_that_is_told_to_end_goes_on(
    number: signal.Signals, many_files: list[str], tmp_path: Path
) -> None:
    arguments = [*many_files, f"store_root={tmp_path / 'stores'}", "data.workers=2"]
    program = start("experiments.prepare", *arguments, place=tmp_path)
    wait_until(lambda: len(below(program.pid)) > 1, program=program)
    workers = below(program.pid)
    program.send_signal(number)
    assert program.wait(10) == 130
    assert program.stderr is not None
    assert "interrupted; the same command goes on" in program.stderr.read()
    wait_until(lambda: not any(map(lives, workers)), SECONDS)
    again = start("experiments.prepare", *arguments, place=tmp_path)
    assert again.wait(300) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGXCPU])
def test_a_training_that_is_told_to_end_goes_on(number: signal.Signals, tiny: list[str], tmp_path: Path) -> None:
    program = start("experiments.run", *tiny, "rounds=500", "unlabeled_size=0", "trainer.threads=1", place=tmp_path)
    runs = tmp_path / "runs"
    wait_until(lambda: has_passed(runs), program=program)
    program.send_signal(number)
    assert program.wait(10) == 130
    (run,) = runs.glob("*-*")
    assert (run / "checkpoints" / "last.ckpt").exists()
    assert not (run / "FAILED").exists()


def test_where_nothing_is_started_nothing_is_watched(monkeypatch) -> None:
    assert started_by() == {STARTER: str(os.getpid())}
    started = []
    monkeypatch.setattr("threading.Thread.start", lambda self: started.append(self))
    monkeypatch.delenv(STARTER, raising=False)
    end_with_starter()
    assert not started
