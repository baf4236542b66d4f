"""A training that has come to nothing ends before anything of it is saved."""

from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch
from tiny_training import data_for, model, plan, trainer

from callbacks.divergence import DivergenceCheck
from datamodules.errors import TrainingDiverged


@pytest.mark.parametrize("loss", [torch.nan, torch.inf, -torch.inf])
def test_a_loss_that_is_no_number_ends_it(loss):
    with pytest.raises(TrainingDiverged, match="the loss became NaN or infinite in pass 3"):
        DivergenceCheck().on_train_batch_end(
            SimpleNamespace(current_epoch=3), None, {"loss": torch.tensor(loss)}, None, 0
        )


class Destroyed(pl.Callback):
    """A weight that the last update of pass 2 makes infinite."""

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if trainer.current_epoch == 2 and trainer.is_last_batch:
            with torch.no_grad():
                next(pl_module.parameters()).fill_(torch.inf)


@pytest.mark.parametrize(("passes", "saved"), [("ULUL", {"last.ckpt", "best.ckpt"}), ("UULL", {"last.ckpt"})])
def test_weights_that_are_no_numbers_are_not_saved(passes, saved, tmp_path):
    """In a pass over U, and in the first over L, of which best.ckpt would be made whatever its CCC is."""
    run, one = plan("cnn_ae"), model("cnn_ae")
    fitted = trainer(run, one, tmp_path, 4, (Destroyed(),))
    with pytest.raises(TrainingDiverged, match="a weight became NaN or infinite in pass 2"):
        fitted.fit(one, datamodule=data_for(run, passes))
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == saved
    for name in saved:
        content = torch.load(tmp_path / "checkpoints" / name, weights_only=True)
        assert content["epoch"] == 1
        assert all(torch.isfinite(value).all() for value in content["state_dict"].values())
