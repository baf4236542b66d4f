"""A trained model on test sets: a finished run's or the authors', on its own corpus or another."""

import logging
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from datamodules.corpus import Corpus
from datamodules.datamodule import ChunkDataModule
from datamodules.errors import DataError
from datamodules.feature_store import FeatureStore
from datamodules.fill_store import fill_store
from datamodules.fingerprint import data_fingerprint
from datamodules.samplers import NaturalSentence
from datamodules.sets import is_test_set, make_sets
from experiments.results.known_before import known_before
from experiments.results.loading import load_predictor
from experiments.results.metrics import Metrics
from experiments.results.run_result import RunResult
from experiments.results.scoring import score_sets
from experiments.results.trained_model import Predictor

log = logging.getLogger(__name__)

EVERY_SENTENCE = "all"


@dataclass(frozen=True)
class Subject:
    """What is evaluated."""

    predictor: Predictor
    model: str
    attribute: str
    seed: int | None
    trained_on: dict[str, Any]
    """As metrics.json has it of the training corpus."""
    trained_with: pd.DataFrame | None
    """The sentences that taught it, see RunResult.training_set; None where nobody knows."""
    config: Path | None
    """Of a run."""
    folder: Path
    """Of its evaluations."""


def subject_of(path: Path, norm_terms: Path | None = None, output: Path | None = None) -> Subject:
    """A finished run's best model, or the authors'. Raises DataError for a run that is not done, or no model."""
    if path.is_dir():
        run = RunResult(path)
        if not run.done:
            raise DataError(f"{path}: is not the directory of a finished run; run its command (again) to finish it.")
        own = run.metrics
        return Subject(
            load_predictor(path),
            own.model,
            own.attribute,
            own.seed,
            own.corpus,
            run.training_set,
            run.config,
            output or path / "evaluations",
        )
    predictor = load_predictor(path, norm_terms)
    nobody_knows = {"name": "a corpus that the file does not name", "version": "", "labeled": None, "unlabeled": None}
    return Subject(
        predictor,
        f"{type(predictor.model).__name__} of {path.name}",
        predictor.model.task.label,
        None,
        nobody_knows,
        None,
        None,
        output or Path("evaluations") / path.name.removesuffix(".tar").removesuffix(".pth").removesuffix(".ckpt"),
    )


def evaluate(
    subject: Subject,
    corpus: Corpus,
    store_root: Path,
    max_bad_files: float,
    workers: int | None = None,
    every_sentence: bool = False,
) -> tuple[Metrics, Path]:
    """Score a model on all test sets of a corpus; what was found, and the folder where it lies.

    Writes metrics.json and predictions into a folder named by corpus, version and content, in place of an earlier
    evaluation on the same. Sentences and speakers that taught the model are counted and told.

    store_root, max_bad_files, workers: see fill_store. every_sentence: all of the corpus as one set, for a model of
    another corpus. Raises DataError for a corpus without a test set.
    """
    predictor = subject.predictor
    task = predictor.model.task
    if every_sentence:
        corpus = replace(corpus, table=corpus.table.assign(split=EVERY_SENTENCE))
    sets = [split for split in corpus.splits() if split == EVERY_SENTENCE or is_test_set(split)]
    if not sets:
        raise DataError(
            f"{corpus.root}: {corpus.name} has no test set; check the split names of its label table, or score all its "
            "sentences with --split all."
        )
    corpus, store, datamodule = read_sets(predictor, corpus, sets, store_root, max_bad_files, workers)
    known = known_before(subject.trained_with, subject.trained_on["name"], corpus, store, corpus.splits(), "the model")
    notes = [*corpus.notes, *known]
    for note in notes:
        log.info("%s", note)
    folder = subject.folder / _name(corpus, store, every_sentence)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    metrics = Metrics(
        corpus={
            "name": corpus.name,
            "version": corpus.version,
            "labels": task.label_kind(corpus.label_kind),
            "notes": notes,
        },
        trained_on=subject.trained_on,
        model=subject.model,
        attribute=subject.attribute,
        seed=subject.seed,
        test=score_sets(predictor.model, datamodule, sets, folder),
    )
    metrics.write(folder / "metrics.json")
    return metrics, folder


def read_sets(
    predictor: Predictor,
    corpus: Corpus,
    sets: Sequence[str],
    store_root: Path,
    max_bad_files: float,
    workers: int | None = None,
) -> tuple[Corpus, FeatureStore, ChunkDataModule]:
    """Sets of a corpus as a model reads them; only they are extracted.

    The corpus comes back without the sentences that could not be read. store_root, max_bad_files, workers: see
    fill_store.
    """
    front_end = predictor.front_end
    corpus = replace(corpus, table=corpus.table[corpus.table["split"].isin(sets)].reset_index(drop=True))
    corpus, store = fill_store(corpus, front_end.features, store_root, max_bad_files, workers, chunks=front_end.chunks)
    datamodule = ChunkDataModule(
        make_sets(corpus, store, front_end, predictor.model.task.encode, sets),
        front_end,
        passes=(),
        sampler=NaturalSentence,
        batch_size=1,
        seed=0,
    )
    return corpus, store, datamodule


def _name(corpus: Corpus, store: FeatureStore, every_sentence: bool) -> str:
    """`emodb-4-classes-339-files-1a2b3c4d`; what a corpus holds is in it, so no result lies under another's name."""
    words = re.sub(r"[^A-Za-z0-9.]+", "-", f"{corpus.name}-{corpus.version}").strip("-.")
    return f"{words}-{data_fingerprint([(corpus, store)])[:8]}" + (f"-{EVERY_SENTENCE}" if every_sentence else "")
