"""A new model and a new corpus are one file and one yaml each: the toys of tests/toys, dropped into a copy."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).resolve().parents[2]
TOYS = ROOT / "tests" / "toys"
PACKAGES = ["conf", "sermodels", "datamodules", "callbacks", "experiments"]


def write_corpus(folder: Path) -> None:
    """The higher the pitch the higher the rating."""
    folder.mkdir()
    time = np.arange(int(1.5 * 16000)) / 16000
    random = np.random.default_rng(0)
    for speaker, count in (("one", 12), ("two", 12), ("dev", 6), ("test", 6)):
        for number in range(count):
            rating = round(random.uniform(1, 7), 2)
            tone = np.sin(2 * np.pi * 400 * rating * time) + 0.01 * random.normal(size=len(time))
            soundfile.write(folder / f"{speaker}_{rating}_{number}.wav", 0.4 * tone, 16000)


@pytest.fixture
def extended(tmp_path: Path) -> Path:
    """A copy of the program with four files more, and nothing else changed."""
    copy = tmp_path / "copy"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package)
    added = [path.relative_to(TOYS) for path in TOYS.rglob("*") if path.suffix in (".py", ".yaml")]
    assert len(added) == 4
    for path in added:
        assert not (copy / path).exists()
        shutil.copy(TOYS / path, copy / path)
    return copy


def run(copy: Path, module: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", f"experiments.{module}", *arguments],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_toy_model_on_a_toy_corpus(extended: Path, tmp_path: Path) -> None:
    audio = tmp_path / "audio"
    write_corpus(audio)
    toy = ["model=toy_mean", "data=toy_names", f"data.root={audio}", "trainer.progress_bar=false"]
    assert "toy_mean on toy_names" in run(extended, "run", *toy, "rounds=30", "model.lr=0.05")
    (directory,) = (extended / "runs").iterdir()
    assert directory.name.startswith("toy_mean-toy_names-arousal-s0-")
    metrics = json.loads((directory / "metrics.json").read_text())
    assert metrics["test"]["test"]["n"] == 6
    assert metrics["test"]["test"]["ccc"]["arousal"] > 0.5
    run(extended, "predict", "--checkpoint", str(directory), "--output", str(tmp_path / "p.csv"), str(audio))
    rows = list(csv.DictReader((tmp_path / "p.csv").open()))
    assert len(rows) == 36
    assert all(row["status"] == "ok" for row in rows)
    # Models we have on the toy corpus, the toy model on corpora we have.
    small = ["rounds=1", "batch_size=8", "features.num_mels=16"]
    run(extended, "run", *toy, *small, "model=temp_gru", "num_clusters=4")
    run(
        extended,
        "run",
        *toy,
        *small,
        "data=synthetic",
        "data.corpus.train=8",
        "data.root=synthetic",
        "unlabeled_size=0",
    )
