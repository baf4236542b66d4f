"""What every model shares: the step from named losses to updated parameters, and sentence predictions.

Shapes: B sentences, C chunks, T frames, F mel bins, D features, A attributes.
"""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.optim import Optimizer

from datamodules.batch import LABELED, ChunkBatch
from datamodules.processes import gather_rows
from sermodels.functional import at_least_float32
from sermodels.metrics import BatchedChunkLoss, ConcordanceCorrelation
from sermodels.optimization import Step
from sermodels.whole_batch import holding


class EmotionModule(pl.LightningModule, ABC):
    """A model of emotional attributes. A subclass says how chunks become features, losses and optimizers.

    loss_weights: weight of each named loss; its keys are the names `losses` may return and the names logged.
    """

    needs_whole_sentences = False
    """Whether the model must see all chunks of a sentence together and in order."""

    learns_from_unlabeled = True
    """Whether the model has a loss on sentences without labels."""

    def __init__(self, attributes: Sequence[str], loss_weights: Mapping[str, float]) -> None:
        super().__init__()
        # Several optimizers of different parts step after one backward pass, which only manual optimization can.
        self.automatic_optimization = False
        self.attributes = tuple(attributes)
        self.loss_weights: dict[str, float] = {}
        self.weigh(**loss_weights)
        self._validated: list[tuple[Tensor, Tensor, Tensor]] = []
        self._steps: list[Step] = []

    def weigh(self, **loss_weights: float) -> None:
        """Give named losses their weights, numbers from 0; whoever names the option checks it under that name."""
        self.loss_weights |= loss_weights

    @property
    def min_chunks(self) -> int:
        """Chunks a sentence must have for the model's losses to exist."""
        return 1

    @abstractmethod
    def latents(self, chunks: Tensor) -> Tensor:
        """(B, C, T, F) -> (B, C, D): what the heads read."""

    @abstractmethod
    def regress(self, latents: Tensor) -> Tensor:
        """(B, C, D) -> (B, C, A) z-normalised attributes of every chunk."""

    @abstractmethod
    def losses(self, batch: ChunkBatch) -> dict[str, Tensor]:
        """The named losses of a batch; which ones depends on the set it comes from."""

    @abstractmethod
    def optimization_steps(self) -> list[Step]:
        """The optimizers and the passes in which they step."""

    def forward(self, chunks: Tensor) -> Tensor:
        """(B, C, T, F) -> (B, A): a sentence's prediction is the mean over its chunks (Lin et al. 2021, 4.1)."""
        return at_least_float32(self.regress(self.latents(chunks))).mean(1)

    def configure_optimizers(self) -> list[Optimizer]:
        self._steps = self.optimization_steps()
        return [step.optimizer for step in self._steps]

    def training_step(self, batch: ChunkBatch, batch_idx: int) -> dict[str, Tensor]:
        """One update. Returns the named losses and their weighted sum, `loss`."""
        with holding(batch.share):
            losses = self.losses(batch)
        total = torch.stack([self.loss_weights[name] * loss for name, loss in losses.items()]).sum()
        optimizers: Any = self.optimizers()
        if len(self._steps) == 1:  # Lightning hands a single one over without a list
            optimizers = [optimizers]
        for optimizer in optimizers:
            optimizer.zero_grad()
        self.manual_backward(total)
        for step, optimizer in zip(self._steps, optimizers, strict=True):
            if batch.set_name in step.passes:
                optimizer.step()
        named = {"loss": total.detach()} | {name: loss.detach() for name, loss in losses.items()}
        size = batch.share.total * batch.positions.shape[1]
        for name, loss in named.items():
            self.log(name, loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=size)
        return named

    def validation_step(self, batch: ChunkBatch, batch_idx: int) -> None:
        # Evaluated in full precision whatever the training takes: bf16 moves predictions by 2e-2.
        with torch.autocast(self.device.type, enabled=False):
            outputs = at_least_float32(self.regress(self.latents(batch.chunks)))
        self._validated.append((batch.sentence_ids, outputs, batch.labels))

    def on_validation_epoch_end(self) -> None:
        # Every sentence once and in the set's order, however many processes shared them.
        ids, outputs, labels = (gather_rows(torch.cat(parts)) for parts in zip(*self._validated, strict=True))
        self._validated.clear()
        order = ids.argsort()
        sentences, chunks = ConcordanceCorrelation(), BatchedChunkLoss()
        sentences.update(outputs[order].mean(1), labels[order])
        chunks.update(outputs[order], labels[order])
        ccc = torch.atleast_1d(sentences.compute())  # torchmetrics squeezes a single value
        for name, value in zip(self.attributes, ccc, strict=True):
            self.log(f"validation/ccc_{name}", value.float())
        self.log("validation/ccc", ccc.mean().float(), prog_bar=True)
        self.log("validation/chunk_loss", chunks.compute().float())

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Name the class and its arguments, so that a checkpoint alone can be turned into a model again."""
        # Lightning also collects the arguments of the constructors above it, which are not all this class's.
        taken = inspect.signature(type(self)).parameters
        saved = checkpoint["hyper_parameters"]
        checkpoint["hyper_parameters"] = {name: value for name, value in saved.items() if name in taken}
        checkpoint["model_class"] = f"{type(self).__module__}.{type(self).__qualname__}"

    @staticmethod
    def is_labeled(batch: ChunkBatch) -> bool:
        """Whether the emotion loss applies."""
        return batch.set_name == LABELED
