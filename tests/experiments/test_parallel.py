"""What is checked before several processes train together, and what they hand each other."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import torch
from torch import nn

from callbacks.several_processes import WorldSizeCheck
from datamodules import processes
from datamodules.errors import DataError
from datamodules.processes import share_of
from experiments import assembly, training
from experiments.console import ConfigurationError
from experiments.disk import refuse_full_disk
from experiments.gpus import hold_gpus, visible_gpus
from experiments.jobs import describe_status, threads_of, wait_for
from experiments.launch import first_death
from experiments.options import check_options
from experiments.parallel import data_digest, parallel_options
from experiments.sweeps import swept, write_summary
from experiments.telling import told
from experiments.training import train

ROOT = Path(__file__).resolve().parents[2]


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


@pytest.mark.parametrize(("options", "processes"), [([], 1), (["trainer.devices=2", "trainer.num_nodes=3"], 6)])
def test_every_training_checks_its_processes(
    composed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], processes: int
) -> None:
    monkeypatch.setattr(assembly.pl, "Trainer", lambda **arguments: arguments["callbacks"])
    model = SimpleNamespace(loss_weights={}, attributes=["arousal"])
    callbacks = assembly.make_trainer(composed(*options), model, ["L"], tmp_path, False)
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
def test_devices_that_cannot_be_meant_are_refused(composed, tiny, options: list[str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        check_options(composed(*tiny, *options))


def test_processes_that_were_not_started_are_missed(composed, tiny) -> None:
    with pytest.raises(ConfigurationError, match=r"ask for 2 processes, and 1 were started; .*torchrun"):
        train(composed(*tiny, "trainer.num_nodes=2"), [])


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


def test_processes_that_find_different_data_are_told_apart() -> None:
    def digest(name: str, lengths: list[int]) -> str:
        one = namedtuple("Set", "table lengths")({"utterance_id": pd.Series([name])}, torch.tensor(lengths))
        return data_digest(namedtuple("Data", "sets")({"L": one}))

    assert digest("a", [5]) == digest("a", [5])
    assert len({digest("a", [5]), digest("b", [5]), digest("a", [6])}) == 3


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
    composed, tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract = training.extract

    def fill_the_disk(*arguments: Any, **options: Any) -> Any:
        found = extract(*arguments, **options)
        usage = namedtuple("usage", "total used free")
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(0, 0, 2**20))
        return found

    monkeypatch.setattr(training, "extract", fill_the_disk)
    with pytest.raises(DataError, match=r"deep_emocluster-synthetic.*: 1 MB of disk are free"):
        train(composed(*tiny), [])
    assert not list(tmp_path.rglob("*.ckpt"))


def test_each_job_holds_gpus_of_its_own(tmp_path: Path) -> None:
    with hold_gpus(1, ["0", "1"], tmp_path) as first, hold_gpus(1, ["0", "1"], tmp_path) as second:
        assert (first, second) == (["0"], ["1"])
        got: list[str] = []

        def wait() -> None:
            with hold_gpus(2, ["0", "1"], tmp_path, every=0.01) as both:
                got.extend(both)

        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.2)
        assert not got
    waiting.join(10)
    assert got == ["0", "1"]


def test_more_gpus_than_there_are_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there are 1 GPUs here"), hold_gpus(2, ["0"], tmp_path):
        raise AssertionError("held")


def test_the_gpus_are_those_that_the_user_left_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, GPU-ab")
    assert visible_gpus() == ["3", "GPU-ab"]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigurationError, match="set trainer=cpu"):
        visible_gpus()


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


def test_the_reason_is_that_of_the_process_that_died_first(tmp_path: Path) -> None:
    file = tmp_path / "told"
    file.write_text(
        '{"process": 0, "directory": "here"}\n{"process": 1, "error": "no food"}\n'
        '{"process": 0, "error": "connection lost"}\n{"process": 0, "died": 0, "hit": false, "how": "it ended"}\n{"proc'
    )
    assert told(file).directory == "here"
    assert told(file).reason == "no food"
    lost = '{"process": 0, "error": "connection lost"}\n{"process": 0, "died": 1, '
    file.write_text(lost + '"hit": true, "how": "killed"}\n')
    assert told(file).reason == "killed"
    file.write_text(lost + '"hit": false, "how": "exit status 9"}\n')
    assert told(file).reason == "exit status 9"


@pytest.mark.parametrize(
    ("status", "said"),
    [(9, "status 9"), (137, "SIGKILL (the system does that"), (143, "by SIGTERM"), (200, "status 200"), (255, "255")],
)
def test_an_exit_status_is_put_into_words(status: int, said: str) -> None:
    assert said in describe_status(status)


@pytest.mark.parametrize(
    ("handler", "outcome"),
    [(signal.SIG_DFL, (128 + signal.SIGHUP, True)), (signal.SIG_IGN, (0, False))],
    ids=["heeded", "ignored, as nohup has it"],
)
def test_a_signal_is_handed_on_where_it_is_heeded(handler: signal.Handlers, outcome: tuple[int, bool]) -> None:
    before = signal.signal(signal.SIGHUP, handler)
    try:
        process = subprocess.Popen(["sleep", "2"], process_group=0)
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGHUP)).start()
        assert wait_for(process) == outcome
        assert signal.getsignal(signal.SIGHUP) == handler
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(("processes", "jobs", "threads"), [(1, 1, None), (2, 1, 4), (2, 2, 2), (16, 1, 1)])
def test_processes_share_the_cores(
    composed, monkeypatch: pytest.MonkeyPatch, processes: int, jobs: int, threads: int | None
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert threads_of(composed(), processes, jobs) == threads
    assert threads_of(composed("trainer.threads=3"), processes, jobs) is None


def test_a_summary_has_a_column_for_what_was_swept(tmp_path: Path) -> None:
    common = {"state": "done", "seconds": 1.0, "directory": "x", "reason": ""}
    jobs = [
        {"number": 0, "overrides": ["model=a", "seed=0"], "scores": {"test1/ccc_arousal": 0.5}, **common},
        {"number": 1, "overrides": ["model=a", "seed=1", "+x=y=z"], **common, "state": "failed", "reason": "why"},
    ]
    assert swept(jobs) == [{"seed": "0"}, {"seed": "1", "x": "y=z"}]
    write_summary(tmp_path / "summary.csv", jobs)
    assert (tmp_path / "summary.csv").read_text().splitlines() == [
        "job,state,seed,x,test1/ccc_arousal,seconds,directory,reason",
        "0,done,0,,0.5,1.0,x,",
        "1,failed,1,y=z,,1.0,x,why",
    ]


def test_hydra_starts_no_job_in_its_own_process() -> None:
    """The process that sweeps never imports PyTorch: a second of start-up and a CUDA context a job otherwise."""
    code = "import experiments.run, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
