"""Which of several passes is kept, by whichever score and in whichever direction."""

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from tiny_training import data_for, model, plan, trainer

from callbacks.checkpoints import best_checkpoint, last_checkpoint


class Scores(pl.Callback):
    """Gives every validation the next of these values, under a name of its own."""

    def __init__(self, values):
        self.values = iter(values)

    def on_validation_epoch_end(self, trainer, pl_module):
        pl_module.log("validation/made_up", next(self.values))


@pytest.mark.parametrize(
    ("mode", "values", "kept"),
    [
        ("max", (0.1, 0.3, 0.2), 1),
        ("min", (0.1, 0.3, 0.2), 0),
        ("min", (0.3, 0.1, 0.2), 1),
        ("max", (0.3, 0.3, 0.3), 0),  # the first of equals
        ("min", (0.3, 0.3, 0.3), 0),
    ],
)
def test_the_best_is_the_pass_whose_score_is_best(mode, values, kept, tmp_path):
    run, one = plan("cnn_regressor"), model("cnn_regressor")
    fitted = trainer(run, one, tmp_path / "run", 3)
    best = best_checkpoint(tmp_path / "here", "made_up", mode)
    assert (best.monitor, best.mode) == ("validation/made_up", mode)
    fitted.callbacks[:] = [each for each in fitted.callbacks if each not in fitted.checkpoint_callbacks]
    fitted.callbacks.extend([Scores(values), best, last_checkpoint(tmp_path / "here")])
    fitted.fit(one, datamodule=data_for(run, "LLL"))
    content = {path.name: torch.load(path, weights_only=True)["epoch"] for path in (tmp_path / "here").iterdir()}
    assert content == {"best.ckpt": kept, "last.ckpt": 2}
    assert best.best_model_score.item() == pytest.approx(values[kept], rel=1e-6)  # float32


def test_another_direction_is_refused(tmp_path):
    with pytest.raises(MisconfigurationException, match="mode"):
        best_checkpoint(tmp_path, "ccc", "median")
