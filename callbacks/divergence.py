"""A training that has come to nothing ends at once, and not after the last of its passes."""

import math
from typing import Any

import pytorch_lightning as pl
import torch

from datamodules.errors import TrainingDiverged

NAMED = 8  # sentences of a batch


class DivergenceCheck(pl.Callback):
    """Raises TrainingDiverged for a loss, or weights after a pass, that are no numbers, before they are saved.

    last.ckpt and best.ckpt stay those of the passes before.
    """

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """All processes have the whole batch's loss, so all of them raise."""
        if not math.isfinite(outputs["loss"]):
            where = f"step {batch_idx} of pass {trainer.current_epoch} over {batch.set_name}"
            raise _diverged(f"the loss in {where} ({_files(batch, trainer)})", trainer)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The last update of a pass is followed by no loss that would tell."""
        _check_weights(trainer, pl_module)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """As before a validation, for passes that have none."""
        _check_weights(trainer, pl_module)


def _check_weights(trainer: pl.Trainer, model: pl.LightningModule) -> None:
    if not all(torch.isfinite(value).all() for value in model.state_dict().values()):
        raise _diverged(f"a weight in pass {trainer.current_epoch}", trainer)


def _diverged(what: str, trainer: pl.Trainer) -> TrainingDiverged:
    last = next((one.best_model_path for one in trainer.checkpoint_callbacks if one.best_model_path), "")  # type: ignore[attr-defined]
    kept = f"; {last} is of before" if last else ""
    remedy = "lower the learning rates or the losses' weights"
    return TrainingDiverged(f"{what} became NaN or infinite: the training has diverged{kept}; {remedy}.")


def _files(batch: Any, trainer: pl.Trainer) -> str:
    """Whose sound it was, where the data know names."""
    sets = getattr(trainer.datamodule, "sets", None)  # type: ignore[attr-defined]
    if not sets:
        return f"{len(batch.sentence_ids)} sentences"
    names = sets[batch.set_name].table["utterance_id"].iloc[batch.sentence_ids.unique().tolist()].astype(str)
    others = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"of {', '.join(names[:NAMED])}{others}"
