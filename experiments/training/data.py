"""From a plan to prepared data: the labelled corpus, the part of the pool a run asks for, and the sets made of them."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from datamodules.batch import LABELED, UNLABELED
from datamodules.corpus import Corpus, refuse_too_many
from datamodules.datamodule import ChunkDataModule
from datamodules.errors import ConfigurationError, DataError
from datamodules.feature_store import FeatureStore
from datamodules.fill_store import fill_store, forget_damaged, is_filled
from datamodules.front_end import FrontEnd
from datamodules.labels import NOBODY
from datamodules.processes import from_first
from datamodules.sets import SET_OF_SPLIT, make_sets
from datamodules.unlabeled import first, in_order, of_training_set
from experiments.config.plan import DataPlan, Node, RunPlan
from experiments.config.targets import makes_clusters, read_corpus
from sermodels.parts import make
from sermodels.tasks.task import Task

OF_ENCODER = "encoder"


@dataclass(frozen=True)
class PreparedData:
    """Everything a run reads, on the disk and ready."""

    corpus: Corpus
    store: FeatureStore
    pool: Corpus | None
    """What U is made of; None where a run trains on labels alone."""
    pool_store: FeatureStore | None

    @property
    def parts(self) -> list[tuple[Corpus, FeatureStore]]:
        """The corpus, and the part of the pool where there is one, each with its store."""
        both = ((self.corpus, self.store), (self.pool, self.pool_store))
        return [(corpus, store) for corpus, store in both if corpus is not None and store is not None]


def prepare_data(plan: DataPlan, progress: bool = True) -> PreparedData:
    """Read the corpus and the pool and extract what their feature stores do not hold.

    Raises DataError for data that cannot be used, ConfigurationError for options that contradict each other.
    """
    return extract(plan, *read_corpora(plan), progress)


def verify_stores(plan: DataPlan) -> tuple[int, int]:
    """Compare the stores of the corpus and the pool with their checksums; sentences, and those that were damaged.

    What was damaged is missing afterwards, so that `prepare_data` makes it again.
    """
    both = [one for one in read_corpora(plan) if one is not None]
    counts = [forget_damaged(one, plan.features, plan.store_root) for one in both]
    return sum(checked for checked, _ in counts), sum(damaged for _, damaged in counts)


def read_corpora(plan: DataPlan) -> tuple[Corpus, Corpus | None]:
    """The labelled corpus, and the pool in its order (None where none is read); no audio is read yet.

    Raises DataError also where the corpus has no training or development set.
    """
    corpus: Corpus = read_corpus("data.corpus", plan.corpus)
    corpus = replace(corpus, notes=(*corpus.notes, *_shared_speakers(corpus)))
    _require_sets(corpus)
    if plan.unlabeled_size and plan.unlabeled_from == "train":
        of_training_set(corpus, plan.unlabeled_size)  # too small a set is told before anything is extracted
        return corpus, None
    if not plan.unlabeled_size:
        if plan.unlabeled_dir is not None:
            corpus = replace(corpus, notes=(*corpus.notes, "a pool is given and not read: unlabeled_size is 0"))
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
    pool = in_order(pool, labeled=corpus, seed=plan.pool_seed)
    first(pool, plan.unlabeled_size)  # too small a pool is told before anything is extracted
    return corpus, pool


def extract(plan: DataPlan, corpus: Corpus, pool: Corpus | None, progress: bool = True) -> PreparedData:
    """The second half of `prepare_data`, for corpora that were read already."""
    corpus, store = _filled(plan, corpus, progress)
    if plan.unlabeled_size and plan.unlabeled_from == "train":
        return PreparedData(corpus, store, of_training_set(corpus, plan.unlabeled_size, plan.pool_seed), store)
    if pool is None:
        return PreparedData(corpus, store, None, None)
    labeled = set(store.rows(corpus.table["utterance_id"])["digest"])
    copies: set[str] = set()
    while True:  # what turns out to be labelled makes room for the next in the pool's order
        chosen, pool_store = _filled(plan, first(pool, plan.unlabeled_size, without=copies), progress)
        digests = pool_store.rows(chosen.table["utterance_id"])["digest"].to_numpy()
        found = set(chosen.table["path"][pd.Series(digests).isin(labeled)])
        if not found:
            return PreparedData(corpus, store, chosen, pool_store)
        copies |= found


def prepared_before(plan: DataPlan) -> PreparedData | None:
    """What `prepare_data` would return, where it has nothing left to extract; else None, and nothing is made."""
    root = plan.corpus.get("root")
    if root is not None and not Path(str(root)).expanduser().is_dir():  # a reader may make its corpus
        return None
    corpus, pool = read_corpora(plan)
    wanted = [corpus] if pool is None else [corpus, first(pool, plan.unlabeled_size)]
    if not all(is_filled(one, plan.features, plan.store_root) for one in wanted):
        return None
    return extract(plan, corpus, pool, progress=False)


def training_set(data: PreparedData, of_encoder: pd.DataFrame | None = None) -> pd.DataFrame:
    """What teaches a model: set (L, U), utterance_id, speaker, and the digest of the recording, a row a sentence.

    of_encoder: what taught the encoder that it goes on with; its set is `encoder`.
    """
    tables = []
    for corpus, store in data.parts:
        rows = corpus.table[corpus.table["split"].isin(SET_OF_SPLIT)].reset_index(drop=True)
        digests = store.rows(rows["utterance_id"])["digest"].to_numpy()
        tables.append(rows[["utterance_id", "speaker"]].assign(set=rows["split"].map(SET_OF_SPLIT), digest=digests))
    if of_encoder is not None:
        tables.append(of_encoder.assign(set=OF_ENCODER))
    return pd.concat(tables, ignore_index=True)


def _filled(plan: DataPlan, corpus: Corpus, progress: bool) -> tuple[Corpus, FeatureStore]:
    return fill_store(corpus, plan.features, plan.store_root, plan.max_bad_files, plan.workers, progress, plan.chunks)


def _shared_speakers(corpus: Corpus) -> list[str]:
    """A note for every set that has speakers of the training set."""
    table = corpus.table[~corpus.table["speaker"].isin(NOBODY)]
    train = set(table.loc[table["split"] == "train", "speaker"])
    notes = []
    for split in corpus.splits():
        rows = table[(table["split"] == split) & table["speaker"].isin(train)]
        if split not in ("train", "unlabeled") and len(rows):
            speakers = rows["speaker"].nunique()
            notes.append(f"{len(rows)} sentences of {split} are of {speakers} speakers who are in train too")
    return notes


def teaching(data: PreparedData, task: Node) -> PreparedData:
    """The data that teach the task: less training sentences that it cannot learn from, which a note counts.

    Raises DataError where there are no others.
    """
    corpus = data.corpus
    taught = make("task", task, Task)
    left_out = (corpus.table["split"] == "train") & ~taught.can_learn_from(corpus.table)
    count, of = int(left_out.sum()), int((corpus.table["split"] == "train").sum())
    if not count:
        return data
    if count == of:
        taught.fitted(corpus.rows("train"), str(corpus.root))  # says what it lacks, where that is one thing
        raise DataError(f"{corpus.root}: no training sentence has all labels of {taught.label}; choose fewer.")
    note = f"{count} of {of} sentences of train lack labels of {taught.label} and are left out"
    kept = replace(corpus, table=corpus.table[~left_out].reset_index(drop=True), notes=(*corpus.notes, note))
    return replace(data, corpus=kept)


def fitted_task(task: Node, corpus: Corpus) -> Node:
    """The task as Train makes it: its scale or its classes known. Raises DataError for labels that teach nothing."""
    return {**task, **from_first(lambda: make("task", task, Task).fitted(corpus.rows("train"), str(corpus.root)))}


def make_datamodule(plan: RunPlan, data: PreparedData, task: Task) -> ChunkDataModule:
    """All sets of a run. Raises DataError when one that is needed is empty or too small for the clusters."""

    def described() -> dict[str, Any]:
        if plan.pretrained is not None:
            return plan.pretrained.front_end.to_dict()
        train = data.corpus.rows("train")
        return FrontEnd.of_training_set(data.store, train, plan.data.features, plan.data.chunks).to_dict()

    # The first process's statistics are everybody's: another processor may sum to another last bit.
    front_end = FrontEnd.from_dict(from_first(described))
    sets = make_sets(data.corpus, data.store, front_end, task.encode, data.corpus.splits())
    if data.pool is not None and data.pool_store is not None:
        sets |= make_sets(data.pool, data.pool_store, front_end, task.encode, ["unlabeled"])
    num_clusters = plan.model.get("num_clusters", 0) if makes_clusters(plan.callbacks) else 0
    for name in {LABELED, UNLABELED} & set(sets):
        chunks = sets[name].num_chunks * len(sets[name])
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


def _require_sets(corpus: Corpus) -> None:
    """Raise DataError where there is nothing to train on, or to choose the best model by."""
    for needed in ("train", "development"):
        if corpus.rows(needed).empty:
            raise DataError(
                f"{corpus.root}: {corpus.name} has no {needed} set; check the split names of its label table."
            )
