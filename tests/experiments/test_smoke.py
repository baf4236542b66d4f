"""prepare -> run -> interrupt -> resume -> evaluate -> predict, as a user types them, on both models."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 180  # seconds; a step takes about ten


def command(program: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"experiments.{program}", *arguments]


def run(folder: Path, program: str, *arguments: str) -> str:
    done = subprocess.run(
        command(program, *arguments),
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def interrupt_after_a_pass(folder: Path, signal_number: int, *arguments: str) -> int:
    """Start a run, send it a signal once a pass is done, and return its exit code."""
    with (folder / "interrupted.log").open("w") as log:
        process = subprocess.Popen(
            command("run", *arguments),
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
            # A test runner in a shell's background has SIGINT ignored, and hands that on.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        deadline = time.monotonic() + PATIENCE
        while not list(folder.glob("runs/*/checkpoints/last.ckpt")):
            assert process.poll() is None, (folder / "interrupted.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal_number)
        return process.wait(PATIENCE)


@pytest.mark.slow
@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("model", ["deep_emocluster", "acg_emocluster"])
def test_the_whole_chain(model: str, signal_number: int, tmp_path: Path, tiny: list[str]) -> None:
    small = [one for one in tiny if not one.startswith(("run_root", "rounds"))]
    options = [f"model={model}", *small, "rounds=4", *(["encoder.kv_pool=8"] if model == "acg_emocluster" else [])]
    assert "train" in run(tmp_path, "prepare", *options)
    code = interrupt_after_a_pass(tmp_path, signal_number, *options)
    assert code == (-signal.SIGKILL if signal_number == signal.SIGKILL else 130)
    (directory,) = (tmp_path / "runs").iterdir()
    assert not (directory / "DONE").exists()
    assert not (directory / "FAILED").exists()
    said = run(tmp_path, "run", *options)
    assert "going on after the last completed pass" in said
    assert (directory / "DONE").exists()
    passes = [int(row["pass"]) for row in csv.DictReader((directory / "history.csv").open())]
    assert passes == list(range(8 if model == "deep_emocluster" else 5))
    # Interrupted and resumed, or never interrupted: the same result to the last digit.
    run(tmp_path, "run", *options, "run_root=uninterrupted")
    (whole,) = (tmp_path / "uninterrupted").iterdir()
    assert (directory / "metrics.json").read_bytes() == (whole / "metrics.json").read_bytes()
    assert "is done" in run(tmp_path, "run", *options)
    run(tmp_path, "evaluate", str(directory))
    evaluated = json.loads(next((directory / "evaluations").glob("synthetic-*/metrics.json")).read_text())
    assert evaluated["test"] == json.loads((whole / "metrics.json").read_text())["test"]
    corpus = next(one.split("=")[1] for one in tiny if one.startswith("data.root="))
    run(tmp_path, "predict", "--checkpoint", str(directory), "--output", "p.csv", f"{corpus}/Audios")
    rows = list(csv.DictReader((tmp_path / "p.csv").open()))
    assert len(rows) == 24
    assert all(row["status"] == "ok" and 0 < float(row["arousal"]) < 8 for row in rows)
