"""What is loaded as a model, and what is told of everything else."""

import pytest
import torch

from datamodules.errors import DataError
from experiments.results import load_predictor
from experiments.results.loading import read_checkpoint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such checkpoint"),
        (b"not a checkpoint", "cannot be read as a checkpoint"),
        ({"state_dict": {}}, "not a checkpoint of emocluster's"),
        ([1, 2], "holds a list"),
    ],
)
def test_what_is_no_checkpoint_is_told(content, message, tmp_path):
    path = tmp_path / "x.ckpt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(DataError, match=message):
        load_predictor(path)


def test_a_checkpoint_cannot_name_any_class(run, tmp_path):
    content = read_checkpoint(run / "checkpoints" / "best.ckpt")
    content["model_class"] = "os.system"
    torch.save(content, tmp_path / "x.ckpt")
    with pytest.raises(DataError, match="is not one of sermodels"):
        load_predictor(tmp_path / "x.ckpt")


@pytest.mark.parametrize(
    "change",
    [
        {"ChunkDataModule": 3},
        {"ChunkDataModule": {"front_end": {"features": {"colour": 1}}}},
        {"ChunkDataModule": {"front_end": 3}},
        {"state_dict": 3},
        {"hyper_parameters": 3},
        {"model_class": 3},
    ],
)
def test_a_damaged_checkpoint_is_told(change, run, tmp_path):
    content = read_checkpoint(run / "checkpoints" / "best.ckpt") | change
    torch.save(content, tmp_path / "x.ckpt")
    with pytest.raises(DataError, match=r"x\.ckpt: "):
        load_predictor(tmp_path / "x.ckpt")
