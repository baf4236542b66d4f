"""Whatever may be added is one file and one yaml: the toys of tests/toys, dropped into a copy."""

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
ADDED = {  # what is added -> its file and its yaml
    "a model": ("sermodels/toy_mean.py", "conf/model/toy_mean.yaml"),
    "a corpus": ("datamodules/corpora/toy_names.py", "conf/data/toy_names.yaml"),
    "an encoder": ("sermodels/encoders/toy_mean_frame.py", "conf/encoder/toy_mean_frame.yaml"),
    "a temporal net": ("sermodels/temporal_nets/toy_smoothing.py", "conf/temporal_net/toy_smoothing.yaml"),
    "a regularizer": ("sermodels/regularizers/toy_small.py", "conf/regularizer/toy_small.yaml"),
    "a task": ("sermodels/tasks/toy_high.py", "conf/task/toy_high.yaml"),
    "a callback": ("callbacks/toy_diary.py", "conf/callback/toy_diary.yaml"),
}


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
    """A copy of the program with two files more for each thing added, and nothing else changed."""
    copy = tmp_path / "copy"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package)
    toys = {str(path.relative_to(TOYS)) for path in TOYS.rglob("*") if path.suffix in (".py", ".yaml")}
    assert toys == {path for pair in ADDED.values() for path in pair}
    for path in toys:
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


def run_directory(copy: Path, name: str) -> Path:
    (directory,) = (copy / "runs").glob(f"{name}-*")
    return directory


def predicted(copy: Path, directory: Path, audio: Path, output: Path) -> list[dict[str, str]]:
    run(copy, "predict", "--checkpoint", str(directory), "--output", str(output), str(audio))
    rows = list(csv.DictReader(output.open()))
    assert len(rows) == 36
    assert all(row["status"].startswith(("ok", "warning: ")) for row in rows)
    return rows


def test_a_toy_model_on_a_toy_corpus(extended: Path, tmp_path: Path) -> None:
    audio = tmp_path / "audio"
    write_corpus(audio)
    toy = ["model=toy_mean", "data=toy_names", f"data.root={audio}", "trainer.progress_bar=false"]
    assert "toy_mean on toy_names" in run(extended, "run", *toy, "rounds=30", "model.lr=0.05")
    directory = run_directory(extended, "toy_mean-toy_names-arousal-s0")
    metrics = json.loads((directory / "metrics.json").read_text())
    assert metrics["test"]["test"]["n"] == 6
    assert metrics["test"]["test"]["ccc"]["arousal"] > 0.5
    predicted(extended, directory, audio, tmp_path / "p.csv")
    # Models we have on the toy corpus, the toy model on corpora we have.
    small = ["rounds=1", "batch_size=8", "features.num_mels=16"]
    run(extended, "run", *toy, *small, "model=temp_gru", "num_clusters=4")
    own = ["data=synthetic", "data.corpus.train=8", "data.root=synthetic"]
    run(extended, "run", *toy, *small, *own, "unlabeled_size=0")


def test_toy_parts_in_a_model_we_have(extended: Path, tmp_path: Path) -> None:
    audio = tmp_path / "audio"
    write_corpus(audio)
    parts = ["encoder=toy_mean_frame", "temporal_net=toy_smoothing", "+regularizer@regularizers.small=toy_small"]
    others = ["task=toy_high", "+callback@callbacks.diary=toy_diary", "sampler=sentence"]
    on = ["model=deep_emocluster", "data=toy_names", f"data.root={audio}", "trainer.progress_bar=false"]
    size = ["rounds=40", "num_clusters=4", "batch_size=6", "optimization.adam_lr=0.01", "encoder.num_features=16"]
    shown = run(extended, "run", *on, *parts, *others, *size)
    assert "halves of synthetic ratings" in shown
    directory = run_directory(extended, "deep_emocluster-toy_names-high-s0")
    # All are what was asked for, with their options, and the callback has no say in the outcome.
    outcome = json.loads((directory / "outcome.json").read_text())
    model = outcome["model"]
    assert model["encoder"] == {"_target_": "sermodels.encoders.toy_mean_frame.MeanFrame", "num_features": 16}
    assert model["temporal_net"] == {"_target_": "sermodels.temporal_nets.toy_smoothing.Smoothing", "chunks": 1}
    assert model["regularizers"] == {"small": {"_target_": "sermodels.regularizers.toy_small.Small", "weight": 0.1}}
    assert list(outcome["callbacks"]) == ["pseudo_labels"]
    # The regularizer acts, the listener was told of every re-labelling, and the task scores in its own words.
    history = list(csv.DictReader((directory / "history.csv").open()))
    assert float(history[-1]["small"]) > 0
    assert float(history[-1]["cross_entropy"]) < float(history[0]["cross_entropy"])
    diary = (directory / "diary.txt").read_text().splitlines()
    assert diary == [f"pass {number}: L in 4" for number in range(40)]
    metrics = json.loads((directory / "metrics.json").read_text())
    assert metrics["attribute"] == "high"
    assert metrics["test"]["test"] == {"n": 6, "accuracy": pytest.approx(metrics["test"]["test"]["accuracy"])}
    best = max(float(row["validation/accuracy"]) for row in history)
    assert metrics["validation"]["accuracy"] == pytest.approx(best)
    rows = predicted(extended, directory, audio, tmp_path / "p.csv")
    # The pitch is the rating: the rows of Train, whose ratings are in the files' names, are told apart.
    told = {row["file"].rsplit("/", 1)[-1]: float(row["p_high"]) for row in rows}
    ratings = {name: float(name.split("_")[1]) for name in told if name.startswith(("one", "two"))}
    threshold = float(np.median(list(ratings.values())))
    right = [(told[name] > 0.5) == (rating > threshold) for name, rating in ratings.items()]
    assert np.mean(right) > 0.75
