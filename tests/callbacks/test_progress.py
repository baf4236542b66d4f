"""The bar reads what is computed as seldom as it is told to, and at the end of a pass."""

import pytest
import pytorch_lightning as pl
from tiny_training import data_for, model, plan, trainer

from callbacks.progress import PassProgress


class Counting(PassProgress):
    def __init__(self, values_every):
        super().__init__(values_every)
        self.seen = []

    def get_metrics(self, trainer, pl_module):
        before = self._values
        values = super().get_metrics(trainer, pl_module)
        self.seen.append((values is not before, sorted(values)))
        return values


@pytest.mark.parametrize(
    ("every", "looks"), [(1, [True] * 4), (2, [True, False, True, True]), (20, [True, False, False, True])]
)
def test_values_are_looked_at_every_so_many_batches_and_at_the_end(every, looks, tmp_path):
    run, one = plan("cnn_ae"), model("cnn_ae")
    fitted = trainer(run, one, tmp_path, 1)
    fitted.callbacks = [c for c in fitted.callbacks if not isinstance(c, pl.callbacks.ProgressBar)]
    fitted.callbacks.append(bar := Counting(every))
    fitted.fit(one, datamodule=data_for(run, "U"))
    of_batches = [new for new, _ in bar.seen]
    assert of_batches[: len(looks)] == looks
    assert all("v_num" not in names for _, names in bar.seen)
    assert "U/loss" in bar.seen[-1][1]
