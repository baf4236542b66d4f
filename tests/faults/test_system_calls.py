"""Killed, or refused by the system, at any call that writes, a program has lost nothing: the same command goes on.

All of them with FAULT_CASES=all (`make test-faults`); else an even draw of that many.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import torch
from tiny_options import TINY_CORPUS, TINY_TRAINING

ROOT = Path(__file__).resolve().parents[2]


def can_trace() -> bool:
    """Where ptrace is forbidden, as in some containers, it ends with an error."""
    return shutil.which("strace") is not None and not subprocess.run(["strace", "-o", os.devnull, "true"]).returncode


pytestmark = [
    pytest.mark.slow,
    pytest.mark.faults,
    pytest.mark.skipif(not can_trace(), reason="strace is not installed, or may not trace here"),
    pytest.mark.xdist_group("strace"),
]
CASES = os.environ.get("FAULT_CASES", "12")
WRITING = (
    *("write", "pwrite64", "writev", "fsync", "rename", "renameat2", "ftruncate", "unlink", "unlinkat", "mkdir"),
    "rmdir",
)
REFUSED = ("ENOSPC", "EROFS", "EIO")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}


class Programs:
    """Runs programs in forked processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "faults" / "forked_programs.py")],
            cwd=ROOT,
            env=os.environ | ONE_THREAD,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, module: str, arguments: list[str], strace: list[str] | None = None) -> tuple[int, str]:
        """Exit status (negative: a signal) and what was said."""
        said, trace = self.folder / "said", self.folder / "trace"
        case = {
            "module": module,
            "arguments": arguments,
            "said": str(said),
            "trace": str(trace),
            "strace": strace or [],
        }
        self.server.stdin.write(json.dumps(case) + "\n")
        self.server.stdin.flush()
        return json.loads(self.server.stdout.readline())["status"], said.read_text(errors="replace")

    def calls(self) -> Counter:
        """How often the first process of the last traced program made each call."""
        lines = (self.folder / "trace").read_text(errors="replace").splitlines()
        first = lines[0].split()[0]
        found = (re.match(rf"{first} +(\w+)\(", line) for line in lines)
        return Counter(one[1] for one in found if one)


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    made = Programs(tmp_path_factory.mktemp("programs"))
    yield made
    made.server.stdin.close()
    made.server.wait()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return tmp_path_factory.mktemp("corpus") / "synthetic"


def options(place: Path, corpus: Path) -> list[str]:
    """A clustered training over U and L, from recordings to predictions."""
    return [
        *(f"data.root={corpus}", f"run_root={place / 'runs'}", f"store_root={place / 'stores'}"),
        *("data=synthetic", "model=deep_emocluster", "num_clusters=3", "trainer.progress_bar=false"),
        *("trainer.threads=1", *TINY_CORPUS, *TINY_TRAINING),
    ]


def outcome(place: Path) -> tuple:
    """What must not depend on how often a run was stopped."""
    (run,) = (place / "runs").glob("*-*")
    assert (run / "DONE").exists()
    assert not (run / "FAILED").exists()
    history = pd.read_csv(run / "history.csv").drop(columns="seconds")
    clusters = pd.read_csv(run / "clusters.csv").drop(columns="seconds")
    best = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    bytes_of = {name: tuple(value.flatten().tolist()) for name, value in best.items()}
    predictions = pd.read_parquet(run / "predictions-test1.parquet").to_csv()
    return (run / "metrics.json").read_text(), history.to_csv(), clusters.to_csv(), bytes_of, predictions


def left_over(place: Path) -> list[str]:
    """Drafts that nobody has removed."""
    return [path.name for path in place.rglob("*") if path.name.endswith((".part", ".partial", ".tmp"))]


@pytest.fixture(scope="module")
def whole(programs, corpus, tmp_path_factory):
    """What an uninterrupted run comes to, and its calls that write."""
    place = tmp_path_factory.mktemp("whole")
    arguments = options(place, corpus)
    status, said = programs.run("experiments.run", arguments)  # makes the corpus, too
    assert status == 0, said
    again = tmp_path_factory.mktemp("again")
    status, said = programs.run("experiments.run", options(again, corpus), ["-e", f"trace={','.join(WRITING)}"])
    assert status == 0, said
    assert outcome(again) == outcome(place)
    return outcome(place), programs.calls()


def drawn(cases: list) -> list:
    """All, or an even draw."""
    if CASES == "all":
        return cases
    count = min(int(CASES), len(cases))
    return [cases[place * len(cases) // count] for place in range(count)]


def test_a_kill_at_any_call_that_writes_loses_nothing(programs, corpus, whole, tmp_path):
    expected, calls = whole
    cases = [(call, number) for call, count in sorted(calls.items()) for number in range(1, count + 1)]
    survived = 0
    for call, number in drawn(cases):
        place = tmp_path / f"{call}-{number}"
        place.mkdir()
        kill = ["-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={number}"]
        status, said = programs.run("experiments.run", options(place, corpus), kill)
        assert status in (-9, 0), (call, number, said)  # 0: this time it made fewer calls
        killed = status == -9
        status, said = programs.run("experiments.run", options(place, corpus))
        assert status == 0, (call, number, said)
        assert outcome(place) == expected, (call, number)
        assert not left_over(place), (call, number)
        survived += killed
        shutil.rmtree(place)
    print(f"{survived} kills at {len(cases)} calls survived and compared")
    assert survived > 0


@pytest.mark.parametrize("error", REFUSED)
def test_what_the_system_refuses_at_any_call_is_a_sentence(error, programs, corpus, whole, tmp_path):
    expected, calls = whole
    cases = [(call, n) for call in ("write", "fsync", "rename", "mkdir") for n in range(1, calls.get(call, 0) + 1)]
    sentences = Counter()
    for call, number in drawn(cases):
        place = tmp_path / f"{call}-{number}"
        place.mkdir()
        fail = ["-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={number}"]
        status, said = programs.run("experiments.run", options(place, corpus), fail)
        assert "Traceback" not in said, (call, number, said)
        assert status in (0, 2), (call, number, said)
        if status:
            told = [line for line in said.splitlines() if line.startswith("error: ")]
            assert len(told) == 1 or call == "write", (call, number, said)  # unless it was that line's own write
            sentences.update(re.sub(r"\S*/(?=[\w.-]+:)", "", one) for one in told)
        status, said = programs.run("experiments.run", options(place, corpus))
        assert status == 0, (call, number, said)
        assert outcome(place) == expected, (call, number)
        shutil.rmtree(place)
    for sentence, count in sentences.most_common():
        print(count, sentence)
