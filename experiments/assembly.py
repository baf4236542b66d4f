"""From a config and prepared data to the objects Lightning trains.

Shapes: S sentences, A attributes.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig
from pytorch_lightning.plugins.environments import SLURMEnvironment

from callbacks.checkpoints import AtomicCheckpointIO, best_checkpoint, last_checkpoint
from callbacks.divergence import DivergenceCheck
from callbacks.history import History
from callbacks.keyed_randomness import KeyedRandomness
from callbacks.pass_schedule import PassSchedule
from callbacks.progress import PassProgress
from callbacks.several_processes import EndOnSigterm, WorldSizeCheck
from datamodules.batch import LABELED, UNLABELED
from datamodules.chunking import ChunkSettings
from datamodules.corpora.corpus import ATTRIBUTES, Corpus
from datamodules.datamodule import ChunkDataModule
from datamodules.errors import DataError
from datamodules.feature_store import FeatureStore
from datamodules.features.settings import FeatureSettings
from datamodules.front_end import FrontEnd
from datamodules.sentence_set import SentenceSet
from datamodules.statistics import frame_statistics
from experiments.data import PreparedData
from experiments.instantiation import build
from experiments.jobs import started_processes
from experiments.models import attributes_of, new_model
from experiments.options import makes_clusters, passes_of, sampler_class
from experiments.parallel import parallel_options
from sermodels.module import EmotionModule

# What the corpus calls its splits, and what a run calls the sets it makes of them.
SET_OF_SPLIT = {"train": LABELED, "unlabeled": UNLABELED}


def make_front_end(corpus: Corpus, store: FeatureStore, features: FeatureSettings, chunks: ChunkSettings) -> FrontEnd:
    """Statistics of the labelled Train set: of its frames for the features, of its ratings for the labels."""
    train = corpus.rows("train")
    statistics = frame_statistics(store, train["utterance_id"])
    ratings = train[list(ATTRIBUTES)].astype(float)
    return FrontEnd(
        features=features,
        chunks=chunks,
        mean=statistics.mean,
        std=statistics.std,
        label_mean={name: float(ratings[name].mean()) for name in ATTRIBUTES},
        label_std={name: float(ratings[name].std(ddof=0)) for name in ATTRIBUTES},
    )


def make_sets(
    corpus: Corpus, store: FeatureStore, front_end: FrontEnd, attributes: Sequence[str], splits: Sequence[str]
) -> dict[str, SentenceSet]:
    """One SentenceSet a split, under the name a run gives it; labels z-normalised by the front end's scale."""
    mean = torch.tensor([front_end.label_mean[name] for name in attributes])
    std = torch.tensor([front_end.label_std[name] for name in attributes])
    sets = {}
    for split in splits:
        rows = corpus.rows(split)
        offsets, lengths = store.locate(rows["utterance_id"])
        ratings = torch.tensor(rows[list(attributes)].to_numpy(dtype="float32"))
        name = SET_OF_SPLIT.get(split, split)
        sets[name] = SentenceSet(
            name=name,
            table=rows,
            frames=store.frames,
            offsets=offsets,
            lengths=lengths,
            labels=(ratings - mean) / std,
            num_chunks=front_end.chunks.num_chunks,
            window_frames=front_end.chunks.window_frames(front_end.features),
            rounding=front_end.chunks.rounding,
        )
    return sets


def make_datamodule(cfg: DictConfig, data: PreparedData) -> ChunkDataModule:
    """All sets of a run. Raises DataError when one that is needed is empty, too small or has constant labels."""
    corpus, attributes = data.corpus, attributes_of(cfg)
    for needed in ("train", "development"):
        if corpus.rows(needed).empty:
            raise DataError(
                f"{corpus.root}: {corpus.name} has no {needed} set; check the split names of its label table."
            )
    front_end = make_front_end(corpus, data.store, data.settings, data.chunks)
    for name in attributes:
        if not front_end.label_std[name] > 0:
            raise DataError(
                f"{corpus.root}: all training sentences have the same {name}, "
                f"{front_end.label_mean[name]:g}; nothing can be learnt from constant labels."
            )
    sets = make_sets(corpus, data.store, front_end, attributes, corpus.splits())
    if data.pool is not None and data.pool_store is not None:
        sets |= make_sets(data.pool, data.pool_store, front_end, attributes, ["unlabeled"])
    clustered = makes_clusters(cfg)
    for name in {LABELED, UNLABELED} & set(sets):
        if clustered and len(sets[name]) * front_end.chunks.num_chunks < cfg.num_clusters:
            raise DataError(
                f"{len(sets[name])} sentences of {name} make {len(sets[name]) * front_end.chunks.num_chunks} chunks, "
                f"fewer than num_clusters={cfg.num_clusters}; lower num_clusters or add sentences."
            )
    return ChunkDataModule(
        sets=sets,
        front_end=front_end,
        passes=passes_of(cfg),
        sampler=sampler_class(cfg),
        batch_size=cfg.batch_size,
        seed=cfg.seed,
        residency=cfg.data.residency,
    )


def make_model(cfg: DictConfig, front_end: FrontEnd) -> EmotionModule:
    """The model, with starting weights that depend on the seed alone."""
    pl.seed_everything(cfg.seed, verbose=False)
    model = new_model(cfg, front_end.features, front_end.chunks)
    return model.to(memory_format=torch.channels_last) if cfg.trainer.channels_last else model


def _plugins() -> list[Any]:
    """Whole checkpoints, and no checkpoints of SLURM's in mid-pass: a requeued job goes on at the last whole pass."""
    plugins: list[Any] = [AtomicCheckpointIO()]
    if started_processes() == 1 and SLURMEnvironment.detect():
        plugins.append(SLURMEnvironment(auto_requeue=False))
    return plugins


def make_trainer(
    cfg: DictConfig, model: EmotionModule, passes: Sequence[str], directory: Path, loggers: Any
) -> pl.Trainer:
    """A Trainer whose epochs are passes."""
    # fp32 means fp32: by default PyTorch lets convolutions on a GPU round their inputs to TF32's 10 bits.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    processes = cfg.trainer.devices * cfg.trainer.num_nodes
    parallel, parallel_plugins = parallel_options(cfg.trainer.accelerator, processes)
    callbacks: list[pl.Callback] = [
        WorldSizeCheck(processes),
        EndOnSigterm(),
        PassSchedule(),
        KeyedRandomness(cfg.seed),
        *(build(node, directory=directory) for node in cfg.get("callbacks", {}).values()),
        DivergenceCheck(),  # before the pass gets its row
        History(directory, list(model.loss_weights), model.attributes),
        best_checkpoint(directory / "checkpoints", cfg.fidelity.criterion),
        last_checkpoint(directory / "checkpoints"),
    ]
    if cfg.trainer.progress_bar:
        callbacks.append(PassProgress(refresh_rate=1))
    return pl.Trainer(
        accelerator=cfg.trainer.accelerator,
        devices=cfg.trainer.devices,
        num_nodes=cfg.trainer.num_nodes,
        **parallel,
        precision=cfg.trainer.precision,
        max_epochs=len(passes),
        callbacks=callbacks,
        plugins=[*_plugins(), *parallel_plugins],
        logger=loggers,
        default_root_dir=directory,
        # Every epoch reads another set, so its loader is made anew.
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        enable_model_summary=False,
        enable_progress_bar=cfg.trainer.progress_bar,
        log_every_n_steps=1,
    )
