"""What is checked before several processes train together."""

import os
import shutil
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny_training
from torch import nn

from callbacks.several_processes import WorldSizeCheck
from datamodules import processes
from datamodules.errors import ConfigurationError, DataError
from datamodules.processes import share_of
from experiments.training import one_run, trainer
from experiments.training.disk import refuse_full_disk
from experiments.training.joining import parallel_options
from experiments.training.launch import first_death
from experiments.training.one_run import train

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("total", [0, 1, 2, 7, 64])
def test_shares_are_even_and_cover_everything_once(count: int, total: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "world_size", lambda: count)
    shares = [share_of(total, process) for process in range(count)]
    assert [row for one in shares for row in range(one.first, one.first + one.held)] == list(range(total))
    assert max(one.held for one in shares) - min(one.held for one in shares) <= 1


def test_another_number_of_processes_than_asked_for_is_refused() -> None:
    Trainer = namedtuple("Trainer", "world_size")
    WorldSizeCheck(2).on_fit_start(Trainer(2), None)
    with pytest.raises(RuntimeError, match="2 processes were to train together, and there are 1"):
        WorldSizeCheck(2).on_fit_start(Trainer(1), None)


@pytest.mark.parametrize(("devices", "nodes", "processes"), [(1, 1, 1), (2, 3, 6)])
def test_every_training_checks_its_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, devices: int, nodes: int, processes: int
) -> None:
    monkeypatch.setattr(trainer.pl, "Trainer", lambda **arguments: arguments["callbacks"])
    plan, model = tiny_training.plan(), tiny_training.model()
    plan = replace(plan, trainer=replace(plan.trainer, devices=devices, num_nodes=nodes))
    callbacks = trainer.make_trainer(plan, model, tmp_path, False)
    (check,) = (one for one in callbacks if isinstance(one, WorldSizeCheck))
    assert check.expected == processes


def test_a_single_process_needs_no_strategy() -> None:
    assert parallel_options("cpu", 1) == ({}, [])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["trainer.devices=4", "batch_size=6"], "set a multiple of 4"),
        (["trainer.devices=0"], "trainer.devices=0: set a whole number, 1 or more"),
        (["trainer.devices=auto"], "trainer.devices=auto: set a whole number"),
        (["trainer.num_nodes=1.5"], "trainer.num_nodes=1.5"),
    ],
)
def test_devices_that_cannot_be_meant_are_refused(planned, tiny, options: list[str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        planned(*tiny, *options)


def test_processes_that_were_not_started_are_missed(planned, tiny) -> None:
    with pytest.raises(ConfigurationError, match=r"ask for 2 processes, and 1 were started; .*torchrun"):
        train(planned(*tiny, "trainer.num_nodes=2"))


def torchrun(job: str) -> subprocess.CompletedProcess[str]:
    """Two processes started by hand, each of which sees its number as $RANK in its command line."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "--no-python"]
    return subprocess.run(
        [sys.executable, *torchrun, "bash", "-c", job],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_processes_that_would_train_different_runs_are_refused(tiny: list[str], tmp_path: Path) -> None:
    job = f"{sys.executable} -m experiments.run {' '.join(tiny)} trainer.devices=2 seed=$RANK"
    done = torchrun(job)
    assert done.returncode != 0
    assert "error: process 1: the processes that should train together were given different options" in done.stderr
    assert not list((tmp_path / "runs").rglob("DONE"))


@pytest.mark.slow
def test_a_file_that_one_process_cannot_read_is_noticed(tiny: list[str], corpus_root: Path, tmp_path: Path) -> None:
    check = ["python", "-m", "experiments.prepare", *tiny]
    assert subprocess.run([sys.executable, *check[1:]], cwd=ROOT, capture_output=True).returncode == 0
    for process in (0, 1):
        shutil.copytree(corpus_root, tmp_path / f"corpus{process}")
    broken = sorted((tmp_path / "corpus1").rglob("*.wav"))[0]
    broken.write_bytes(b"RIFX" + broken.read_bytes()[4:])  # of the same size, so the label table looks the same
    options = [one for one in tiny if not one.startswith(("data.root", "store_root"))]
    own = f"data.root={tmp_path}/corpus$RANK store_root={tmp_path}/stores$RANK"
    job = f"{sys.executable} -m experiments.run {' '.join(options)} {own} trainer.devices=2 data.max_bad_files=0.5"
    done = torchrun(job)
    assert done.returncode != 0
    assert "see different data" in done.stderr
    assert not list((tmp_path / "runs").rglob("DONE"))


def test_too_little_disk_is_told_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Linear(2**10, 2**10)  # 4 MB; fifteen times that and 50 MB are asked for
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(0, 0, 111 * 2**20))
    refuse_full_disk(tmp_path, model)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(0, 0, 109 * 2**20))
    with pytest.raises(DataError, match=r"109 MB of disk are free, and the run may write 110 MB; .*run_root"):
        refuse_full_disk(tmp_path, model)


def test_a_run_starts_with_room_for_its_checkpoints(
    planned, tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract = one_run.extract

    def fill_the_disk(*arguments: Any, **options: Any) -> Any:
        found = extract(*arguments, **options)
        usage = namedtuple("usage", "total used free")
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(0, 0, 2**20))
        return found

    monkeypatch.setattr(one_run, "extract", fill_the_disk)
    with pytest.raises(DataError, match=r"deep_emocluster-synthetic.*: 1 MB of disk are free"):
        train(planned(*tiny))
    assert not list(tmp_path.rglob("*.ckpt"))


@pytest.mark.parametrize(
    ("failures", "first"),
    [
        ({0: (1, 7), 1: (-9, 7)}, (1, -9, True)),  # process 0 lost its connection to the one that was killed
        ({1: (1, 7), 0: (-9, 17)}, (1, 1, False)),  # the agent ended process 0, which did not mind SIGTERM
        ({1: (3, 7), 0: (-15, 7)}, (1, 3, False)),
        ({0: (-15, 7)}, (0, -15, False)),
    ],
)
def test_the_first_death_is_the_one_that_counts(failures: dict, first: tuple) -> None:
    assert first_death(failures) == first
