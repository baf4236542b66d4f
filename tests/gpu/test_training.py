"""The programs on a GPU: what they train is repeatable, goes on where it stopped, and learns as on the processor."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from tiny_training import EVERY_MODEL, data_for, plan, told_by, trainer
from tiny_training import model as untrained

from sermodels.parts import make
from sermodels.tasks.task import Task

pytestmark = pytest.mark.gpu
ROOT = Path(__file__).parents[2]
GPU = ("trainer=gpu",)
PASSES = {"cnn_regressor": "LLLL", "frozen_classifier": "LLLL", "began": "LLLL"}


def fit(name: str, directory: Path, passes: str, resume: bool = False, *overrides: str):
    """A training of so many passes; its weights, in main memory."""
    one = plan(name, *GPU, *overrides)
    data = data_for(one, PASSES.get(name, "ULUL"))
    told = told_by(one, data.sets["L"])
    data = data_for(one, PASSES.get(name, "ULUL"), make("task", {**one.task, **told}, Task))
    module = untrained(name, *GPU, *overrides, **told)
    last = directory / "checkpoints" / "last.ckpt"
    made = trainer(one, module, directory, len(passes))
    made.fit(module, datamodule=data, ckpt_path=str(last) if resume else None, weights_only=True)
    assert made.strategy.root_device.type == "cuda"
    return {key: value.cpu() for key, value in module.state_dict().items()}, data


@pytest.mark.parametrize("name", EVERY_MODEL)
def test_a_resumed_training_is_the_uninterrupted_one(name, tmp_path):
    whole, data = fit(name, tmp_path / "whole", "1234")
    assert data.sets["L"].frames.is_cuda  # resident
    fit(name, tmp_path / "stopped", "12")
    resumed, _ = fit(name, tmp_path / "stopped", "1234", resume=True)
    assert all(torch.isfinite(value).all() for value in whole.values())
    apart = [key for key, value in whole.items() if not torch.equal(value, resumed[key])]
    assert not apart


@pytest.mark.parametrize("name", ["temp_trans", "acg_emocluster", "cnn_laddernet"])
def test_bf16_trains(name, tmp_path):
    weights, _ = fit(name, tmp_path, "1234", False, "trainer.precision=bf16-mixed")
    assert all(torch.isfinite(value).all() for value in weights.values())
    history = pd.read_csv(tmp_path / "history.csv")
    assert history["loss"].notna().all()


def program(name: str, *arguments: object) -> str:
    """What a program of ours prints."""
    done = subprocess.run(
        [sys.executable, "-m", f"experiments.{name}", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_from_training_to_predictions(tmp_path):
    """On the synthetic corpus, which a few rounds learn: as well as on the processor, and told alike by both."""
    made = ["rounds=6", f"data.root={tmp_path}/corpus", f"store_root={tmp_path}/stores"]
    made += ["data.corpus.train=120", "data.corpus.development=30", "data.corpus.test1=40", "unlabeled_size=60"]
    made += ["data.corpus.unlabeled=60", "trainer.progress_bar=false", "model=temp_gru"]
    on = {"gpu": ["trainer=gpu"], "gpu bf16": ["trainer=gpu", "trainer.precision=bf16-mixed"], "cpu": []}
    ccc = {}
    for kind, options in on.items():
        # Each in a folder of its own: a run's name does not tell where it was trained.
        program("run", *made, *options, f"run_root={tmp_path / kind}")
        (run,) = (path.parent for path in (tmp_path / kind).glob("*/DONE"))
        ccc[kind] = json.loads((run / "metrics.json").read_text())["test"]["test1"]["ccc"]["arousal"]
    assert min(ccc.values()) > 0.3
    assert ccc["gpu"] == pytest.approx(ccc["cpu"], abs=0.1)  # six rounds are short: rounding decides some steps
    assert ccc["gpu bf16"] == pytest.approx(ccc["gpu"], abs=0.1)
    audio = next(path.parent for path in (tmp_path / "corpus").rglob("*.wav"))
    told = []
    for device in ("cpu", "cuda"):
        out = tmp_path / f"{device}.csv"
        program("predict", "--checkpoint", run, "--output", out, "--device", device, audio)
        told.append(pd.read_csv(out))
    # float32 sums in another order; a prediction is a number of 1 to 7.
    assert (told[0]["arousal"] - told[1]["arousal"]).abs().max() < 1e-3
