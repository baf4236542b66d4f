"""From a plan to prepared data: the labelled corpus, the part of the pool a run asks for, and the sets made of them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datamodules.batch import LABELED, UNLABELED
from datamodules.corpus import Corpus, refuse_too_many
from datamodules.datamodule import ChunkDataModule
from datamodules.errors import ConfigurationError, DataError
from datamodules.feature_store import FeatureStore
from datamodules.fill_store import fill_store
from datamodules.front_end import FrontEnd
from datamodules.sets import make_sets
from datamodules.unlabeled import select
from experiments.config.plan import DataPlan, Node, RunPlan
from experiments.config.targets import makes_clusters, read_corpus
from sermodels.parts import make
from sermodels.tasks.task import Task


@dataclass(frozen=True)
class PreparedData:
    """Everything a run reads, on the disk and ready."""

    corpus: Corpus
    store: FeatureStore
    pool: Corpus | None
    """None where a run trains on labels alone."""
    pool_store: FeatureStore | None


def prepare_data(plan: DataPlan, progress: bool = True) -> PreparedData:
    """Read the corpus and the pool and extract what their feature stores do not hold.

    Raises DataError for data that cannot be used, ConfigurationError for options that contradict each other.
    """
    return extract(plan, *read_corpora(plan), progress)


def read_corpora(plan: DataPlan) -> tuple[Corpus, Corpus | None]:
    """The labelled corpus and `unlabeled_size` utterances of the pool (None for 0); no audio is read yet."""
    corpus: Corpus = read_corpus("data.corpus", plan.corpus)
    if not plan.unlabeled_size:
        return corpus, None
    if plan.unlabeled_dir is None:
        raise ConfigurationError(
            f"unlabeled_size={plan.unlabeled_size} needs a pool: set data.unlabeled_dir to a folder of audio "
            "files, or unlabeled_size=0 to train on labels alone."
        )
    # Remembers the durations of the pool's files, so that 600,000 headers are read once.
    place = hashlib.sha256(str(Path(plan.unlabeled_dir).expanduser().resolve()).encode()).hexdigest()[:8]
    pool: Corpus = read_corpus("data.pool", plan.pool, scan_cache=plan.store_root / f"scan-{place}.parquet")
    # Judged here: a handful of broken headers among 600,000 files is no reason to refuse a subset of 5,000.
    refuse_too_many(pool, plan.max_bad_files)
    return corpus, select(pool, plan.unlabeled_size, labeled=corpus, seed=plan.pool_seed)


def extract(plan: DataPlan, corpus: Corpus, pool: Corpus | None, progress: bool = True) -> PreparedData:
    """The second half of `prepare_data`, for corpora that were read already."""
    corpus, store = _filled(plan, corpus, progress)
    pool, pool_store = (None, None) if pool is None else _filled(plan, pool, progress)
    return PreparedData(corpus, store, pool, pool_store)


def _filled(plan: DataPlan, corpus: Corpus, progress: bool) -> tuple[Corpus, FeatureStore]:
    return fill_store(corpus, plan.features, plan.store_root, plan.max_bad_files, plan.workers, progress, plan.chunks)


def fitted_task(task: Node, corpus: Corpus) -> Node:
    """The task as Train makes it: its scale or its classes known. Raises DataError for labels that teach nothing."""
    return {**task, **make("task", task, Task).fitted(corpus.rows("train"), str(corpus.root))}


def make_datamodule(plan: RunPlan, data: PreparedData, task: Task) -> ChunkDataModule:
    """All sets of a run. Raises DataError when one that is needed is empty or too small for the clusters."""
    front_end = FrontEnd.of_training_set(data.store, data.corpus.rows("train"), plan.data.features, plan.data.chunks)
    sets = make_sets(data.corpus, data.store, front_end, task.encode, data.corpus.splits())
    if data.pool is not None and data.pool_store is not None:
        sets |= make_sets(data.pool, data.pool_store, front_end, task.encode, ["unlabeled"])
    num_clusters = plan.model.get("num_clusters", 0) if makes_clusters(plan.callbacks) else 0
    for name in {LABELED, UNLABELED} & set(sets):
        chunks = len(sets[name]) * front_end.chunks.num_chunks
        if chunks < num_clusters:
            raise DataError(
                f"{len(sets[name])} sentences of {name} make {chunks} chunks, "
                f"fewer than num_clusters={num_clusters}; lower num_clusters or add sentences."
            )
    return ChunkDataModule(
        sets=sets,
        front_end=front_end,
        passes=plan.passes,
        sampler=plan.sampler,
        batch_size=plan.batch_size,
        seed=plan.seed,
        residency=plan.data.residency,
    )


def require_sets(corpus: Corpus, names: Sequence[str] = ("train", "development")) -> None:
    """Raise DataError where one of these splits is empty."""
    for needed in names:
        if corpus.rows(needed).empty:
            raise DataError(
                f"{corpus.root}: {corpus.name} has no {needed} set; check the split names of its label table."
            )
