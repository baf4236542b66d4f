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
from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Work:
    """A program whose end is known."""

    module: str
    arguments: Callable[[Path], list[str]]
    """The command line of one that writes below a folder."""
    outcome: Callable[[Path], tuple]
    """What must not depend on how often it was stopped."""


def places(place: Path, corpus: Path) -> list[str]:
    return [f"data.root={corpus}", f"run_root={place / 'runs'}", f"store_root={place / 'stores'}", "data=synthetic"]


def training(corpus: Path, *model: str) -> Work:
    """From recordings to predictions."""
    options = [*model, "trainer.progress_bar=false", "trainer.threads=1", *TINY_CORPUS, *TINY_TRAINING]
    return Work("experiments.run", lambda place: [*places(place, corpus), *options], trained)


def trained(place: Path) -> tuple:
    (run,) = (place / "runs").glob("*-*")
    assert (run / "DONE").exists()
    assert not (run / "FAILED").exists()
    tables = [pd.read_csv(file).drop(columns="seconds").to_csv() for file in sorted(run.glob("*.csv"))]
    best = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    bytes_of = {name: tuple(value.flatten().tolist()) for name, value in best.items()}
    predictions = pd.read_parquet(run / "predictions-test1.parquet").to_csv()
    return (run / "metrics.json").read_text(), tables, bytes_of, predictions


def preparation(corpus: Path) -> Work:
    options = [*TINY_CORPUS, "unlabeled_size=8"]
    return Work("experiments.prepare", lambda place: [*places(place, corpus), *options], prepared)


def prepared(place: Path) -> tuple:
    """Features by the name of their sentence: a store that went on may hold them in another order."""
    found = []
    for index in sorted(place.rglob("index.jsonl")):
        lines = [json.loads(line) for line in index.read_text().splitlines()]
        found.append(
            sorted(
                json.dumps({key: one[key] for key in ("utterance_id", "digest", "frames", "frames_sum")})
                for one in lines
            )
        )
    assert found
    return (found,)


def prediction(run: Path, corpus: Path) -> Work:
    def arguments(place: Path) -> list[str]:
        written = ["--output", str(place / "told.csv"), "--embeddings", str(place / "h.parquet"), "--chunks"]
        return ["--checkpoint", str(run), *written, "--threads", "1", str(corpus / "Audios")]

    def told(place: Path) -> tuple:
        return (place / "told.csv").read_text(), pd.read_parquet(place / "h.parquet").to_csv()

    return Work("experiments.predict", arguments, told)


def left_over(place: Path) -> list[str]:
    """Drafts that nobody has removed."""
    return [path.name for path in place.rglob("*") if path.name.endswith((".part", ".partial", ".tmp"))]


@pytest.fixture(scope="module")
def works(programs, corpus, tmp_path_factory):
    """Programs by name. Two of them need the corpus, and one a run, which are made here."""
    place = tmp_path_factory.mktemp("made")
    made = {
        "clustered training": training(corpus, "model=deep_emocluster", "num_clusters=3"),
        "ladder training": training(corpus, "model=cnn_laddernet"),
        "preparation": preparation(corpus),
    }
    clustered = made["clustered training"]
    status, said = programs.run(clustered.module, clustered.arguments(place))
    assert status == 0, said
    (run,) = (place / "runs").glob("*-*")
    return made | {"prediction": prediction(run, corpus)}


WORKS = ["clustered training", "ladder training", "preparation", "prediction"]


@pytest.fixture(scope="module", params=WORKS)
def whole(request, programs, works, tmp_path_factory):
    """A program, what it comes to uninterrupted, and its calls that write."""
    work = works[request.param]
    outcomes = []
    for _ in range(2):
        place = tmp_path_factory.mktemp("whole")
        traced = ["-e", f"trace={','.join(WRITING)}"]
        status, said = programs.run(work.module, work.arguments(place), traced)
        assert status == 0, said
        outcomes.append(work.outcome(place))
    assert outcomes[0] == outcomes[1]
    return work, outcomes[0], programs.calls()


def drawn(cases: list) -> list:
    """All, or an even draw."""
    if CASES == "all":
        return cases
    count = min(int(CASES), len(cases))
    return [cases[place * len(cases) // count] for place in range(count)]


def test_a_kill_at_any_call_that_writes_loses_nothing(programs, whole, tmp_path):
    work, expected, calls = whole
    cases = [(call, number) for call, count in sorted(calls.items()) for number in range(1, count + 1)]
    survived = 0
    for call, number in drawn(cases):
        place = tmp_path / f"{call}-{number}"
        place.mkdir()
        kill = ["-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={number}"]
        status, said = programs.run(work.module, work.arguments(place), kill)
        assert status in (-9, 0), (call, number, said)  # 0: this time it made fewer calls
        killed = status == -9
        status, said = programs.run(work.module, work.arguments(place))
        assert status == 0, (call, number, said)
        assert work.outcome(place) == expected, (call, number)
        assert not left_over(place), (call, number)
        survived += killed
        shutil.rmtree(place)
    print(f"{work.module}: {survived} kills at {len(cases)} calls survived and compared")
    assert survived > 0


@pytest.mark.parametrize("error", REFUSED)
def test_what_the_system_refuses_at_any_call_is_a_sentence(error, programs, whole, tmp_path):
    work, expected, calls = whole
    cases = [(call, n) for call in ("write", "fsync", "rename", "mkdir") for n in range(1, calls.get(call, 0) + 1)]
    sentences, tracebacks = Counter(), []
    for call, number in drawn(cases):
        place = tmp_path / f"{call}-{number}"
        place.mkdir()
        fail = ["-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={number}"]
        status, said = programs.run(work.module, work.arguments(place), fail)
        if "Traceback" in said:
            tracebacks.append(f"{call} {number}: {said[said.index('Traceback') :]}")
            continue
        assert status in (0, 2), (call, number, said)
        if status:
            told = [line for line in said.splitlines() if line.startswith("error: ")]
            assert len(told) == 1 or call == "write", (call, number, said)  # unless it was that line's own write
            sentences.update(re.sub(r"\S*/(?=[\w.-]+:)", "", one) for one in told)
        status, said = programs.run(work.module, work.arguments(place))
        assert status == 0, (call, number, said)
        assert work.outcome(place) == expected, (call, number)
        shutil.rmtree(place)
    for sentence, count in sentences.most_common():
        print(count, sentence)
    assert not tracebacks, "\n".join(tracebacks)
