"""A run that tests of its results share."""

import shutil

import pytest
import torch
from tiny_options import TINY_CORPUS

from experiments.config.composing import composed
from experiments.config.from_hydra import make_plan
from experiments.training.one_run import train


@pytest.fixture(scope="module")
def trained(corpus_root, tmp_path_factory):
    """A finished run whose predictions differ between files by far more than the tolerances below."""
    places = [f"data.root={corpus_root}", f"run_root={tmp_path_factory.mktemp('trained')}"]
    stores = [f"store_root={corpus_root.parent / 'stores'}", "trainer.progress_bar=false", "unlabeled_size=0"]
    directory = train(make_plan(composed(*places, *stores, *TINY_CORPUS, "rounds=1", "batch_size=6"))).path
    best = directory / "checkpoints" / "best.ckpt"
    content = torch.load(best, weights_only=True)
    content["state_dict"]["emotion_regressor.top.weight"] *= 1000
    torch.save(content, best)
    return directory


@pytest.fixture
def run(trained, tmp_path):
    """A copy of it, which a test may spoil."""
    return shutil.copytree(trained, tmp_path / "run")
