"""What the program adds to a network's own steps: a pass in the Trainer against a bare loop over the same batches.

Shapes: none of its own.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from datamodules.batch import LABELED, ChunkBatch
from experiments.bench.rows import Row
from experiments.bench.simulated import fitted, labels_of, simulated_data
from experiments.bench.timing import Spread
from experiments.config.composing import composed
from experiments.config.from_hydra import make_plan
from experiments.training.trainer import make_model, make_trainer
from sermodels.module import EmotionModule

DEVELOPMENT = 8
"""Sentences; their evaluation is not measured."""


def trainer_costs(chosen: Sequence[str], sentences: int, repeats: int) -> Iterator[Row]:
    """A row a model and way, in turn: `sentences` labelled ones a pass, drawn, gathered and trained with.

    Of the Trainer from the pass's clusters to its last step, with history, checks and progress; bare is the same
    model's losses, gradients and optimizers on the pass's own batches, which lie in memory.
    """
    for overrides in chosen:
        with tempfile.TemporaryDirectory() as place:
            watch = _passes(overrides, sentences, repeats, Path(place))
        batches = len(watch.batches)
        found = {"in the Trainer": Spread.of(watch.trained[1:]), "bare": Spread.of(watch.bare[1:])}
        for name, took in found.items():
            yield {
                "what": f"`{overrides}`, {name}",
                **took.cells("ms a step", 1e3 / batches),
                "times bare": took.median / found["bare"].median,
            }


def _passes(overrides: str, sentences: int, repeats: int, place: Path) -> "_BareAfterEach":
    options = (
        "unlabeled_size=0",
        f"rounds={repeats + 1}",
        "data.chunks.max_seconds=11",
        f"run_root={place}",
        f"store_root={place}",
        "trainer.progress_bar=false",
    )
    plan = make_plan(composed(*options, *overrides.split()))
    tables = {LABELED: labels_of(sentences), "development": labels_of(DEVELOPMENT)}
    told = fitted(plan, tables[LABELED])
    data = simulated_data(plan, tables, told)
    model = make_model(plan, told)
    trainer = make_trainer(plan, model, place, False)
    watch = _BareAfterEach(make_model(plan, told))
    trainer.callbacks.append(watch)  # type: ignore[attr-defined]
    trainer.fit(model, datamodule=data)
    return watch


class _BareAfterEach(pl.Callback):
    """After each pass the same batches once more, without the Trainer."""

    def __init__(self, model: EmotionModule) -> None:
        self.model = model.train()
        self.steps = model.optimization_steps()
        self.batches: list[ChunkBatch] = []
        self.trained: list[float] = []
        """Seconds of each pass …"""
        self.bare: list[float] = []
        """… and of the same without."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """To where the batches are."""
        self.model.to(pl_module.device)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The clusters are made; the first batch is not."""
        self.batches = []
        self.started = _now(pl_module.device)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """After all other callbacks."""
        self.batches.append(batch)
        if trainer.is_last_batch:
            self.ended = _now(pl_module.device)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Validation lies between the last batch and this."""
        self.trained.append(self.ended - self.started)
        started = _now(pl_module.device)
        with trainer.precision_plugin.forward_context():
            for batch in self.batches:
                self._step(batch)
        self.bare.append(_now(pl_module.device) - started)

    def _step(self, batch: ChunkBatch) -> None:
        total = self.model.weigh(self.model.losses(batch), batch.set_name)
        for one in self.steps:
            one.optimizer.zero_grad()
        total.backward()
        for one in self.steps:
            if batch.set_name in one.passes:
                one.optimizer.step()


def _now(device: torch.device) -> float:
    """When all that was asked of a GPU is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
