"""A training that has come to nothing ends before anything of it is saved."""

from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch
from tiny_training import FRAMES, MELS, datamodule, trainer

from callbacks.divergence import DivergenceCheck
from callbacks.errors import TrainingDiverged
from datamodules.samplers import Natural
from sermodels.cnn_ae import CNNAE


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
    model = CNNAE(num_frames=FRAMES, num_mels=MELS)
    fitted = trainer(
        tmp_path, 4, callbacks=[Destroyed(), DivergenceCheck()], losses=list(model.loss_weights), clustered=False
    )
    with pytest.raises(TrainingDiverged, match="a weight became NaN or infinite in pass 2"):
        fitted.fit(model, datamodule=datamodule(passes, sampler=Natural))
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == saved
    for name in saved:
        content = torch.load(tmp_path / "checkpoints" / name, weights_only=True)
        assert content["epoch"] == 1
        assert all(torch.isfinite(value).all() for value in content["state_dict"].values())
