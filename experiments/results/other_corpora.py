"""A finished run on test sets, its own or another corpus's."""

from dataclasses import replace
from pathlib import Path

from datamodules.corpus import Corpus
from datamodules.datamodule import ChunkDataModule
from datamodules.errors import DataError
from datamodules.fill_store import fill_store
from datamodules.samplers import NaturalSentence
from datamodules.sets import is_test_set, make_sets
from experiments.results.loading import load_predictor
from experiments.results.metrics import Metrics
from experiments.results.run_result import RunResult
from experiments.results.scoring import score_sets


def finished_run(path: Path) -> RunResult:
    """The run of a directory. Raises DataError for one that is not done."""
    run = RunResult(path)
    if not run.done:
        raise DataError(f"{path}: is not the directory of a finished run; run its command (again) to finish it.")
    return run


def evaluate(
    run: RunResult, corpus: Corpus, data: str, store_root: Path, max_bad_files: float, workers: int | None
) -> tuple[Metrics, Path]:
    """Evaluate a run's best model on all test sets of a corpus; what was found, and the folder where it lies.

    Writes metrics.json and predictions into RUN_DIR/evaluations/<data>/. store_root, max_bad_files, workers: see
    fill_store. Raises DataError for a corpus without a test set.
    """
    own = run.metrics
    predictor = load_predictor(run.path)
    front_end, task = predictor.front_end, predictor.model.task
    tests = [split for split in corpus.splits() if is_test_set(split)]
    if not tests:
        raise DataError(f"{corpus.root}: {corpus.name} has no test set; check the split names of its label table.")
    # Only what is evaluated is extracted.
    corpus = replace(corpus, table=corpus.table[corpus.table["split"].isin(tests)].reset_index(drop=True))
    features, chunks = front_end.features, front_end.chunks
    corpus, store = fill_store(corpus, features, store_root, max_bad_files, workers, chunks=chunks)
    datamodule = ChunkDataModule(
        make_sets(corpus, store, front_end, task.encode, tests),
        front_end,
        passes=(),
        sampler=NaturalSentence,
        batch_size=1,
        seed=0,
    )
    folder = run.evaluation(data)
    metrics = Metrics(
        corpus={"name": corpus.name, "version": corpus.version, "labels": task.label_kind(corpus.label_kind)},
        trained_on=own.corpus,
        model=own.model,
        attribute=own.attribute,
        seed=own.seed,
        test=score_sets(predictor.model, datamodule, tests, folder),
    )
    metrics.write(folder / "metrics.json")
    return metrics, folder
