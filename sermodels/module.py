"""What every model shares: the step from named losses to updated parameters, and what it tells of sentences.

Shapes: B sentences, C chunks, T frames, F mel bins, D features, O outputs of the task.
"""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from datamodules.batch import LABELED, UNLABELED, ChunkBatch
from datamodules.whole_set import in_set_order
from sermodels.encoders.encoder import Encoder
from sermodels.functional import at_least_float32, mean_over_chunks
from sermodels.optimizations.optimization import Step
from sermodels.parts import Part, make
from sermodels.regularizers.regularizer import Regularizer
from sermodels.tasks.task import Task
from sermodels.whole_batch import holding


class EmotionModule(pl.LightningModule, ABC):
    """A model of emotion. A subclass says how chunks become features, losses and optimizers.

    task: what is learnt and told; see sermodels.tasks.
    """

    defaults: ClassVar[Mapping[str, Any]] = {"task": {"_target_": "sermodels.tasks.attributes.Attributes"}}
    """What an architecture is made of where its constructor is given None; conf/model/ says the same."""

    loss_weights: dict[str, float]
    """Of each named loss on L; its keys are the names that `losses` may return and the names logged."""

    unlabeled_weights: dict[str, float]
    """Of losses that weigh otherwise on U."""

    needs_labels = True
    """Whether there is nothing to learn without."""

    measures: tuple[str, ...] = ()
    """What `training_step` returns beside losses, to be kept a pass."""

    def __init__(self, task: Part | None = None) -> None:
        super().__init__()
        # Several optimizers of different parts step after one backward pass, which only manual optimization can.
        self.automatic_optimization = False
        self.task = make("task", self.own("task", task), Task)
        self.loss_weights = {self.task.loss_name: 1.0}
        self.unlabeled_weights = {}
        self.regularizers = nn.ModuleDict()
        self._validated: list[tuple[Tensor, Tensor, Tensor]] = []
        self._steps: list[Step] = []

    @classmethod
    def own(cls, name: str, given: Any) -> Any:
        """What the constructor was given for an argument, or this architecture's own choice where that is None."""
        return cls.defaults[name] if given is None else given

    def regularize(self, regularizers: Mapping[str, Part], encoder: Encoder) -> None:
        """Add losses on the features of `encoder`. Raises ValueError for two losses of one name."""
        if not isinstance(regularizers, Mapping):
            raise ValueError(f"regularizers are parts by name, not {regularizers!r}")
        for name, part in regularizers.items():
            if not name.isidentifier() or hasattr(self.regularizers, name):
                raise ValueError(f"regularizers.{name}: a regularizer cannot be called that; take another name")
            made = make(f"regularizers.{name}", part, Regularizer, encoder=encoder)
            if twice := sorted(set(made.weights) & set(self.loss_weights)):
                raise ValueError(f"regularizers.{name}: there is another loss {twice[0]}; leave one of them out")
            self.regularizers[name] = made
            self.loss_weights |= made.weights
            self.unlabeled_weights |= made.unlabeled_weights

    def weigh(self, losses: Mapping[str, Tensor], set_name: str) -> Tensor:
        """The sum of named losses by their weights, which is what a pass over the set minimises."""
        weights = self.loss_weights | (self.unlabeled_weights if set_name == UNLABELED else {})
        return torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()

    def regularizing_losses(self, h: Tensor, batch: ChunkBatch, trace: Any) -> dict[str, Tensor]:
        """The losses of the regularizers that act on the batch's set; see Regularizer."""
        losses: dict[str, Tensor] = {}
        one: Any
        for one in self.regularizers.values():
            if batch.set_name in one.passes:
                losses |= one(h, batch, trace)
        return losses

    def emotion_losses(self, latents: Tensor, batch: ChunkBatch) -> dict[str, Tensor]:
        """The task's loss on the latents (B, C, D) of a batch; nothing where it has no labels."""
        if batch.set_name != LABELED:
            return {}
        return {self.task.loss_name: self.task.loss(self.regress(latents), batch.labels)}

    @property
    def needs_whole_sentences(self) -> bool:
        """Whether the model must see all chunks of a sentence together and in order."""
        return any(bool(one.needs_whole_sentences) for one in self.regularizers.values())

    @property
    def min_chunks(self) -> int:
        """Chunks a sentence must have for the model's losses to exist."""
        return max((int(one.min_chunks) for one in self.regularizers.values()), default=1)  # type: ignore[arg-type]

    @property
    @abstractmethod
    def learns_from_unlabeled(self) -> bool:
        """Whether the model has a loss on sentences without labels."""

    @abstractmethod
    def latents(self, chunks: Tensor) -> Tensor:
        """(B, C, T, F) -> (B, C, D): what the heads read."""

    def regress(self, latents: Tensor) -> Tensor:
        """(B, C, D) -> (B, C, O), the task's outputs for every chunk."""
        raise NotImplementedError(f"{type(self).__name__} tells nothing of its latents")

    def told(self, chunks: Tensor) -> Tensor:
        """(B, C, T, F), all of them there, -> (B, C, O), the task's outputs for every chunk."""
        return self.regress(self.latents(chunks))

    @abstractmethod
    def losses(self, batch: ChunkBatch) -> dict[str, Tensor]:
        """The named losses of a batch; which ones depends on the set it comes from."""

    @abstractmethod
    def optimization_steps(self) -> list[Step]:
        """The optimizers and the passes in which they step."""

    def of_chunks(self, chunks: Tensor) -> Tensor:
        """(B, C, T, F) -> (B, C, O): the task's outputs for chunks; NaN for those that a sentence does not have."""
        return self.where_present(chunks, self.told)

    def of_batch(self, batch: ChunkBatch) -> Tensor:
        """The same of a batch of whole sentences."""
        return self.of_chunks(batch.chunks)

    @staticmethod
    def where_present(chunks: Tensor, compute: Callable[[Tensor], Tensor]) -> Tensor:
        """`compute` of chunks (B, C, …) -> (B, C, D), of those that are there; NaN for the others."""
        present = ~chunks.flatten(2)[:, :, 0].isnan()
        if present.all():
            return compute(chunks)
        held = compute(chunks[present].unsqueeze(1))[:, 0]
        outputs = held.new_full((*present.shape, held.shape[-1]), torch.nan)
        outputs[present] = held
        return outputs

    def forward(self, chunks: Tensor) -> Tensor:
        """(B, C, T, F) -> (B, O): the task's outputs for every sentence, made of those for its chunks."""
        return self.task.of_sentences(self.of_chunks(chunks))

    def utterance_embedding(self, chunks: Tensor) -> Tensor:
        """(B, C, T, F) -> (B, D): the mean latent of a sentence (Zhao et al. 2023, section 4.1)."""
        return mean_over_chunks(self.where_present(chunks, self.latents))

    def configure_optimizers(self) -> list[Optimizer]:
        """The optimizers of `optimization_steps`, for Lightning."""
        self._steps = self.optimization_steps()
        return [step.optimizer for step in self._steps]

    def training_step(self, batch: ChunkBatch, batch_idx: int) -> dict[str, Tensor]:
        """One update. Returns the named losses and their weighted sum, `loss`."""
        with holding(batch.share):
            losses = self.losses(batch)
        total = self.weigh(losses, batch.set_name)
        optimizers: Any = self.optimizers()
        if len(self._steps) == 1:  # Lightning hands a single one over without a list
            optimizers = [optimizers]
        for optimizer in optimizers:
            optimizer.zero_grad()
        self.manual_backward(total)
        for step, optimizer in zip(self._steps, optimizers, strict=True):
            if batch.set_name in step.passes:
                optimizer.step()
        return self.log_pass(batch, {"loss": total.detach()} | {name: loss.detach() for name, loss in losses.items()})

    def log_pass(self, batch: ChunkBatch, named: dict[str, Tensor]) -> dict[str, Tensor]:
        """Add a batch's values to the means of the pass; returns them."""
        size = batch.share.total * batch.positions.shape[1]
        for name, loss in named.items():
            # A curve a set: the passes over U and over L minimise other sums.
            self.log(f"{batch.set_name}/{name}", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=size)
        return named

    def validation_step(self, batch: ChunkBatch, batch_idx: int) -> None:
        """Keep the outputs of a batch of the development set."""
        # Evaluated in full precision whatever the training takes: bf16 moves predictions by 2e-2.
        with torch.autocast(self.device.type, enabled=False):
            outputs = at_least_float32(self.of_batch(batch))
        self._validated.append((batch.sentence_ids, outputs, batch.labels))

    def on_validation_epoch_end(self) -> None:
        """Score the whole set: every sentence once, however many processes shared them."""
        ids, outputs, labels = (torch.cat(parts) for parts in zip(*self._validated, strict=True))
        self._validated.clear()
        for name, value in self.validation_scores(*in_set_order(ids, outputs, labels)).items():
            self.log(f"validation/{name}", value.float(), prog_bar=name == self.task.headline)

    def validation_scores(self, outputs: Tensor, labels: Tensor) -> Mapping[str, Tensor]:
        """The task's `scores` of the development set; (S, C, O) and (S, A)."""
        return self.task.validation(outputs, labels)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Name the class and its arguments, so that a checkpoint alone can be turned into a model again."""
        # Lightning also collects the arguments of the constructors above it, which are not all this class's.
        taken = inspect.signature(type(self)).parameters
        saved = checkpoint["hyper_parameters"]
        checkpoint["hyper_parameters"] = {name: value for name, value in saved.items() if name in taken}
        checkpoint["model_class"] = f"{type(self).__module__}.{type(self).__qualname__}"
