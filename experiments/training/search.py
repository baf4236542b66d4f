"""A search over options inside the training set: nothing of a test set can reach it.

It is given the sets L and development alone. Every trial is judged by inner trainings on a part of L; what is best is
what the run then trains. A trial's proposal depends on the seed, its number and the trials before, so a search that
was killed goes on as if it never had been.

Shapes: S sentences of L, C chunks, D of a kept map.
"""

import json
import logging
import math
import time
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import optuna
import pytorch_lightning as pl
import torch
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from torch import Tensor

from callbacks.keyed_randomness import KeyedRandomness
from callbacks.pass_schedule import PassSchedule
from datamodules.batch import LABELED
from datamodules.datamodule import ChunkDataModule
from datamodules.errors import DataError
from datamodules.labels import EMOTION, NOBODY
from datamodules.seeds import derive_seed
from datamodules.sentence_set import SentenceSet
from experiments.config.building import model_for
from experiments.config.plan import Node, RunPlan
from experiments.config.search import SearchPlan, with_options
from experiments.results.run_result import RunResult
from experiments.training.trainer import make_model
from sermodels.frozen_classifier import FrozenClassifier
from sermodels.module import EmotionModule

log = logging.getLogger(__name__)

DEVELOPMENT = "development"
WORST = -1e9  # of a trial whose score is not defined


def searched(plan: RunPlan, search: SearchPlan, task: Node, data: ChunkDataModule, run: RunResult) -> Node:
    """The model's node with the options that are best inside the training set; every trial is kept in the run.

    data: of the run; only L and development are looked at.
    """
    inner = Inner(plan, search, task, {name: data.sets[name] for name in (LABELED, DEVELOPMENT)}, data)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions = {name: _distribution(values) for name, values in search.space.items()}
    study = optuna.create_study(direction="maximize")
    done = run.search_trials()
    for one in done:
        study.add_trial(
            optuna.trial.create_trial(params=one["options"], distributions=distributions, value=one["score"])
        )
    if done:
        log.info("%d of %d trials of the search are done", len(done), search.trials)
    for number in range(len(done), search.trials):
        started = time.perf_counter()
        # A sampler of its own for every trial, so that a proposal does not depend on how many were drawn before a kill.
        study.sampler = optuna.samplers.TPESampler(seed=derive_seed(plan.seed, "search", number) % 2**32)
        trial = study.ask(distributions)
        scores = list(inner.scores(with_options(plan.model, trial.params), number))
        score = float(np.mean(scores)) if np.isfinite(scores).all() else WORST
        study.tell(trial, score)
        run.add_search_trial(
            {"trial": number, "options": trial.params, "score": score, "folds": scores},
            seconds=round(time.perf_counter() - started, 2),
        )
        log.info("trial %d of the search: %.4f with %s", number, score, json.dumps(trial.params))
    best = study.best_trial
    log.info("the search chose %s (%.4f)", json.dumps(best.params), best.value)
    return with_options(plan.model, best.params)


def _distribution(values: Any) -> optuna.distributions.BaseDistribution:
    if isinstance(values, Mapping):
        kind = (
            optuna.distributions.LogUniformDistribution
            if values.get("log")
            else optuna.distributions.UniformDistribution
        )
        return kind(float(values["low"]), float(values["high"]))
    return optuna.distributions.CategoricalDistribution(tuple(values))


class Inner:
    """Trainings inside the training set."""

    def __init__(
        self, plan: RunPlan, search: SearchPlan, task: Node, sets: Mapping[str, SentenceSet], data: ChunkDataModule
    ) -> None:
        self.plan, self.search, self.task = plan, search, task
        self.sets = dict(sets)
        self.front_end = data.front_end
        self.folds = list(self._folds())
        self.maps: dict[str, Tensor] = {}
        # The encoder that the run will have: what it has learnt, or where it starts at random.
        self.weights = {name: value.clone() for name, value in make_model(plan, task).encoder.state_dict().items()}  # type: ignore[union-attr]

    def _folds(self) -> Iterator[tuple[SentenceSet, SentenceSet, Tensor, Tensor | None]]:
        """What each inner training trains on and is judged by, and the rows of L (None: development) that these are."""
        labeled, every = self.sets[LABELED], torch.arange(len(self.sets[LABELED]))
        if self.search.folds == 1:
            yield labeled, self.sets[DEVELOPMENT], every, None
            return
        for train, held in inner_folds(labeled, self.search.folds, derive_seed(self.plan.seed, "inner folds") % 2**32):
            yield labeled.part(LABELED, train), labeled.part(DEVELOPMENT, held), train, held

    def scores(self, node: Node, number: int) -> Iterator[float]:
        """The criterion's best value in each fold, the larger the better."""
        for fold, (train, held, train_rows, held_rows) in enumerate(self.folds):
            seed = derive_seed(self.plan.seed, "inner training", number, fold)
            torch.manual_seed(seed)
            model = self._model(node)
            data = ChunkDataModule(
                {LABELED: train, DEVELOPMENT: held},
                self.front_end,
                passes=(LABELED,) * self.search.rounds,
                sampler=self.plan.sampler,
                batch_size=self.plan.batch_size,
                seed=seed,
                residency="disk",  # where the run's own sets lie already
            )
            if isinstance(model, FrozenClassifier) and model.frozen and model.cache_maps:
                self._keep_maps(model)
                of_held = self.maps[DEVELOPMENT] if held_rows is None else self.maps[LABELED][held_rows]
                model.maps = {LABELED: self.maps[LABELED][train_rows], DEVELOPMENT: of_held}
            yield fit(model, data, self.plan, seed)

    def _model(self, node: Node) -> EmotionModule:
        plan = self.plan
        model = model_for(plan.model_name, node, self.task, plan.data.features, plan.data.chunks)
        model.encoder.load_state_dict(self.weights)  # type: ignore[union-attr]
        return model.to("cuda" if plan.trainer.accelerator == "gpu" else "cpu")

    def _keep_maps(self, model: FrozenClassifier) -> None:
        """Of whole sets, once for all trials: a frozen encoder has nothing to do with their options."""
        if self.maps:
            return
        whole = ChunkDataModule(self.sets, self.front_end, (), self.plan.sampler, self.plan.batch_size, 0)
        for name in self.sets if self.search.folds == 1 else (LABELED,):
            self.maps[name] = model.maps_of(whole, name)


def inner_folds(labeled: SentenceSet, folds: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows of L to train on and rows to be judged by, fold by fold.

    No speaker is in both where there are as many speakers as folds; categories are spread evenly.
    Raises DataError for fewer sentences than folds.
    """
    table = labeled.table
    if len(table) < 2 * folds:
        raise DataError(
            f"{len(table)} training sentences cannot be cut into search.folds={folds}; set search.folds=1, which "
            "judges by the development set."
        )
    speakers, named = table["speaker"].to_numpy(str), ~table["speaker"].isin(NOBODY)
    strata = table[EMOTION].to_numpy(str)
    common = min(np.unique(strata, return_counts=True)[1].max(), len(table))
    if common < folds:
        strata = np.zeros(len(table), dtype=str)
    if named.all() and len(np.unique(speakers)) >= folds:
        split: Any = StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(table, strata, speakers)
    else:
        split = StratifiedKFold(folds, shuffle=True, random_state=seed).split(table, strata)
    with warnings.catch_warnings():  # a rare category may be in one fold alone
        warnings.filterwarnings("ignore", "The least populated class")
        folds_found = list(split)
    for train, held in folds_found:
        yield torch.from_numpy(np.sort(train)), torch.from_numpy(np.sort(held))


def fit(model: EmotionModule, data: ChunkDataModule, plan: RunPlan, seed: int) -> float:
    """Train, and the best value of the criterion, the larger the better; NaN where it was never defined."""
    best = BestScore(model.task.criterion, model.task.criterion_mode)
    trainer = pl.Trainer(
        accelerator=plan.trainer.accelerator,
        devices=1,
        precision=plan.trainer.precision,  # type: ignore[arg-type]
        max_epochs=len(data.passes),
        callbacks=[PassSchedule(), KeyedRandomness(seed), best],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
    )
    if plan.trainer.channels_last:
        model = model.to(memory_format=torch.channels_last)
    trainer.fit(model, datamodule=data)
    return best.value


class BestScore(pl.Callback):
    """Remembers the best score of the development set."""

    def __init__(self, criterion: str, mode: str) -> None:
        self.criterion, self.sign = criterion, 1 if mode == "max" else -1
        self.value = math.nan

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """After a pass."""
        value = self.sign * float(trainer.callback_metrics[f"validation/{self.criterion}"])
        if not value <= self.value:  # also where there is none yet
            self.value = value if not math.isnan(value) else self.value
