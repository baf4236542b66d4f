"""Pictures of embeddings: when they are due, whom they are given, and that they change nothing."""

import matplotlib.image
import pytest
import torch
from pytorch_lightning.loggers import Logger
from tiny_training import data_for, model, plan, trainer

from callbacks.embedding_pictures import EmbeddingPictures, draw_embeddings


class Kept(Logger):
    """Keeps the pictures."""

    name, version = "kept", 0

    def __init__(self):
        super().__init__()
        self.pictures = []

    def log_picture(self, name, path):
        self.pictures.append((name, path.name))

    def log_metrics(self, metrics, step=None):
        """None are kept."""

    def log_hyperparams(self, params, *args, **kwargs):
        """None are kept."""


def fit(directory, passes, *callbacks):
    one, run = model("temp_gru"), plan("temp_gru")
    made = trainer(run, one, directory, len(passes), callbacks)
    made.loggers = [kept := Kept()]
    made.fit(one, datamodule=data_for(run, passes))
    return one, kept


def test_each_set_has_a_picture_every_so_many_rounds(tmp_path):
    _, kept = fit(tmp_path, "ULULUL", EmbeddingPictures(tmp_path, every=2))
    names = [f"embeddings-{one}.png" for one in ("U-pass-000", "L-pass-001", "U-pass-004", "L-pass-005")]
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == sorted(names)
    assert kept.pictures == [(f"{name.split('-')[1]}/embeddings", name) for name in names]
    for name in names:
        assert matplotlib.image.imread(tmp_path / "pictures" / name).std() > 0.05


def test_a_training_is_the_same_with_pictures(tmp_path):
    with_them, _ = fit(tmp_path / "a", "UL", EmbeddingPictures(tmp_path / "a", every=1))
    without, _ = fit(tmp_path / "b", "UL")
    for name, value in with_them.state_dict().items():
        assert torch.equal(value, without.state_dict()[name]), name


def test_too_few_chunks_are_told(tmp_path, caplog):
    alike = torch.ones(20, 3, 8)
    alike[0, 0] = 2.0
    draw_embeddings(alike, torch.zeros(20, 3, dtype=torch.long), "L", tmp_path / "a.png")
    assert "too few unlike embeddings" in caplog.text
    assert not (tmp_path / "a.png").exists()
    draw_embeddings(torch.randn(2, 2, 8), torch.arange(4).view(2, 2), "L", tmp_path / "a.png")
    assert (tmp_path / "a.png").exists()


def test_every_is_a_number_of_rounds(tmp_path):
    with pytest.raises(ValueError, match="every is a whole number 1 or more"):
        EmbeddingPictures(tmp_path, every=0)
