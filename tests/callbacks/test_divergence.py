"""A training that has come to nothing ends before anything of it is saved."""

from types import SimpleNamespace

import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from tiny_training import data_for, model, plan, trainer

from callbacks.divergence import DivergenceCheck
from datamodules.errors import TrainingDiverged


@pytest.mark.parametrize("loss", [torch.nan, torch.inf, -torch.inf])
def test_a_loss_that_is_no_number_ends_it(loss):
    """Step, pass, whose sound it was, and what is left."""
    table = pd.DataFrame({"utterance_id": [f"MSP_{n}.wav" for n in range(20)]})
    fitted = SimpleNamespace(
        current_epoch=3,
        datamodule=SimpleNamespace(sets={"U": SimpleNamespace(table=table)}),
        checkpoint_callbacks=[SimpleNamespace(best_model_path=""), SimpleNamespace(best_model_path="a/last.ckpt")],
    )
    for ids, files in (([7, 3, 7], "MSP_3.wav, MSP_7.wav"), (list(range(12)), "MSP_6.wav, MSP_7.wav and 4 more")):
        batch = SimpleNamespace(set_name="U", sentence_ids=torch.tensor(ids))
        with pytest.raises(TrainingDiverged) as told:
            DivergenceCheck().on_train_batch_end(fitted, None, {"loss": torch.tensor(loss)}, batch, 5)
        assert "the loss in step 5 of pass 3 over U (of MSP_" in str(told.value)
        assert f"{files}) became NaN or infinite" in str(told.value)
        assert "a/last.ckpt is of before; lower the learning rates" in str(told.value)


class Hopeless(pl.Callback):
    """A loss that is no number from step 1 of pass 1 on."""

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.last = trainer.current_epoch, batch_idx
        if trainer.current_epoch == 1 and batch_idx >= 1:
            outputs["loss"].fill_(torch.nan)


@pytest.mark.parametrize(("together", "seen"), [(None, 1), (2, 1), (1000, 2)])
def test_losses_that_are_read_together_name_the_first_and_save_nothing(together, seen, tmp_path):
    """By default here at once; else when so many have come, and at the latest at the end of the pass."""
    run, one = plan("cnn_ae"), model("cnn_ae")
    fitted = trainer(run, one, tmp_path, 2)
    place = next(n for n, callback in enumerate(fitted.callbacks) if isinstance(callback, DivergenceCheck))
    fitted.callbacks[place : place + 1] = [hopeless := Hopeless(), DivergenceCheck(together)]
    with pytest.raises(TrainingDiverged, match=r"the loss in step 1 of pass 1 over L"):
        fitted.fit(one, datamodule=data_for(run, "UL"))
    assert hopeless.last == (1, seen)
    assert torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)["epoch"] == 0


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
    with pytest.raises(TrainingDiverged, match=r"weight in pass 2 became NaN or infinite.*t.ckpt is of before"):
        fitted.fit(one, datamodule=data_for(run, passes))
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == saved
    for name in saved:
        content = torch.load(tmp_path / "checkpoints" / name, weights_only=True)
        assert content["epoch"] == 1
        assert all(torch.isfinite(value).all() for value in content["state_dict"].values())
