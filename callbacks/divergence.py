"""A training that has come to nothing ends at once, and not after the last of its passes."""

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from callbacks.protocols import PassData
from datamodules.errors import TrainingDiverged

NAMED = 8  # sentences of a batch
READ_TOGETHER = 32  # losses of a GPU, which stands still while the processor waits for one


class DivergenceCheck(pl.Callback):
    """Raises TrainingDiverged for a loss, or weights after a pass, that are no numbers, before they are saved.

    last.ckpt and best.ckpt stay those of the passes before.

    read_together: losses that are looked at at once; of a GPU by default 32, of a processor one.
    """

    def __init__(self, read_together: int | None = None) -> None:
        self.read_together = read_together
        self._unread: list[tuple[Tensor, int, Any]] = []

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """All processes have the whole batch's loss, so all of them raise."""
        loss = outputs["loss"]
        self._unread.append((loss, batch_idx, batch.sentence_ids))
        if len(self._unread) >= (self.read_together or (1 if loss.device.type == "cpu" else READ_TOGETHER)):
            self._read(trainer, batch.set_name)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The last update of a pass is followed by no loss that would tell."""
        self._check_pass(trainer, pl_module)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """As before a validation, for passes that have none."""
        self._check_pass(trainer, pl_module)

    def _check_pass(self, trainer: pl.Trainer, model: pl.LightningModule) -> None:
        data: PassData = trainer.datamodule  # type: ignore[attr-defined]
        self._read(trainer, data.passes[trainer.current_epoch])
        if not torch.stack([torch.isfinite(value).all() for value in model.state_dict().values()]).all():
            raise _diverged(f"a weight in pass {trainer.current_epoch}", trainer)

    def _read(self, trainer: pl.Trainer, set_name: str) -> None:
        """Raise for the first of the losses since the last look that is no number."""
        unread, self._unread = self._unread, []
        if not unread or torch.isfinite(losses := torch.stack([loss for loss, _, _ in unread])).all():
            return
        _, step, ids = unread[int(losses.isfinite().logical_not().nonzero()[0])]
        where = f"step {step} of pass {trainer.current_epoch} over {set_name}"
        raise _diverged(f"the loss in {where} ({_files(ids, set_name, trainer)})", trainer)


def _diverged(what: str, trainer: pl.Trainer) -> TrainingDiverged:
    last = next((one.best_model_path for one in trainer.checkpoint_callbacks if one.best_model_path), "")  # type: ignore[attr-defined]
    kept = f"; {last} is of before" if last else ""
    remedy = "lower the learning rates or the losses' weights"
    return TrainingDiverged(f"{what} became NaN or infinite: the training has diverged{kept}; {remedy}.")


def _files(ids: Tensor, set_name: str, trainer: pl.Trainer) -> str:
    """Whose sound it was, where the data know names."""
    sets = getattr(trainer.datamodule, "sets", None)  # type: ignore[attr-defined]
    if not sets:
        return f"{len(ids)} sentences"
    names = sets[set_name].table["utterance_id"].iloc[ids.unique().tolist()].astype(str)
    others = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"of {', '.join(names[:NAMED])}{others}"
