"""A finished run to be drawn."""

import pytest
from tiny_options import TINY_CORPUS

from experiments.config.composing import composed
from experiments.config.from_hydra import make_plan
from experiments.training.one_run import train


@pytest.fixture(scope="package")
def trained(corpus_root, tmp_path_factory):
    """A clustered run over U and L."""
    places = [f"data.root={corpus_root}", f"run_root={tmp_path_factory.mktemp('trained')}"]
    options = [
        "model=deep_emocluster",
        "attribute=all",
        "num_clusters=3",
        "rounds=2",
        "batch_size=6",
        "unlabeled_size=8",
    ]
    stores = [f"store_root={corpus_root.parent / 'stores'}", "trainer.progress_bar=false"]
    return train(make_plan(composed(*places, *stores, *TINY_CORPUS, *options))).path
