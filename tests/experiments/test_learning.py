"""Models learn what the labels say, and nothing when the labels say nothing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from datamodules.corpora import synthetic
from experiments.training import train


def permute_labels(cfg) -> None:
    """Shuffle the ratings of training and development sentences among themselves; test sentences keep theirs."""
    corpus = cfg.data.corpus
    sizes = {name: corpus[name] for name in ("train", "development", "test1", "unlabeled")}
    synthetic.read(
        corpus.root, **sizes, min_seconds=corpus.min_seconds, max_seconds=corpus.max_seconds, seed=corpus.seed
    )
    path = Path(corpus.root) / "Labels" / "labels_consensus.csv"
    table = pd.read_csv(path)
    for split in ("Train", "Development"):
        rows = table.index[table["Split_Set"] == split]
        ratings = ["EmoAct", "EmoVal", "EmoDom"]
        table.loc[rows, ratings] = table.loc[np.random.default_rng(1).permutation(rows), ratings].to_numpy()
    table.to_csv(path, index=False)


def arousal(cfg) -> float:
    metrics, _ = train(cfg, [])
    return metrics["test"]["test1"]["ccc"]["arousal"]


@pytest.fixture
def config(tmp_path, composed):
    def make(*overrides):
        places = [f"run_root={tmp_path / 'runs'}", f"store_root={tmp_path / 'stores'}", "trainer.progress_bar=false"]
        return composed(*places, *overrides)

    return make


# The demo's size but for the encoder: VGG-16 costs a fifth of ACG.
QUICK = ["model=deep_emocluster", "rounds=5", "batch_size=8", "unlabeled_size=100"]


def test_labels_are_learnt(config):
    # Chance is 0 with a deviation of .1 for 100 sentences.
    assert arousal(config(*QUICK)) > 0.5


def test_permuted_labels_teach_nothing(config):
    cfg = config(*QUICK)
    permute_labels(cfg)
    assert abs(arousal(cfg)) < 0.15


@pytest.mark.slow
def test_the_demo_reaches_what_the_readme_says(config):
    assert arousal(config("experiment=demo")) >= 0.7


@pytest.mark.slow
def test_the_demo_learns_nothing_from_permuted_labels(config):
    cfg = config("experiment=demo")
    permute_labels(cfg)
    assert abs(arousal(cfg)) < 0.15
