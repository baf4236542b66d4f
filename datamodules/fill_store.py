"""A corpus's audio into its feature store: in parallel, interruptible, and past files that are broken."""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from datamodules.chunking import ChunkSettings
from datamodules.corpus import Corpus, Problem, refuse_too_many
from datamodules.extract_files import Fault, Job, extract_all
from datamodules.feature_store import FORMAT, FeatureStore, Source, StoreWriter
from datamodules.features import Features
from datamodules.names import harmless
from datamodules.whole_files import write_whole

logger = logging.getLogger(__name__)

BAD_FILES = "bad_files.csv"


def fill_store(
    corpus: Corpus,
    settings: Features,
    store_root: Path,
    max_bad_files: float,
    workers: int | None = None,
    progress: bool = True,
    chunks: ChunkSettings | None = None,
) -> tuple[Corpus, FeatureStore]:
    """Extract what the corpus's store does not hold yet; the corpus less its bad files, and the store.

    A second call extracts nothing, an interrupted one goes on, and a file whose size or time changed is
    extracted again. `workers` is the number of processes (None: one a core; few files are done in this one).
    Files that cannot be used, the reader's among them, are listed in the store's `bad_files.csv`; what was
    tolerated is counted in the log, with `chunks` also the sentences shorter than a chunk or longer than
    T_max.

    Raises DataError when more than the fraction `max_bad_files` has to be left out or the disk is full.
    """
    folder = store_folder(corpus, settings, Path(store_root))
    sources = _sources(corpus)
    problems = [
        Problem(name, f"no such file under {corpus.root}", "restore it or take it out of the label table")
        for name in sources.index[sources["size"] < 0]
    ]
    sources = sources[sources["size"] >= 0]
    store = FeatureStore.open(folder) if FeatureStore.exists(folder) else None
    # A complete store is only read, so it may lie on a disk that cannot be written.
    if store is None or len(_missing(store, sources)):
        with StoreWriter(folder, settings) as writer:
            # Asked again: another process may have been at it while this one waited for the lock.
            missing = _missing(writer.store, sources)
            problems += _extract(corpus, missing, settings, writer, workers, progress)
        store = FeatureStore.open(folder)
    kept = corpus.without(problems)
    _report_bad_files(kept, folder)
    refuse_too_many(kept, max_bad_files)
    notes = count_notes(store, kept, chunks)
    if notes:
        words = ", ".join(f"{count} {note}" for note, count in notes.items())
        logger.info("%s %s: of %d utterances %s", kept.name, kept.version, len(kept), words)
    return kept, store


def forget_damaged(corpus: Corpus, settings: Features, store_root: Path) -> tuple[int, int]:
    """Compare all that a corpus's store holds with its checksums; how many sentences, and how many were damaged.

    These are no longer held, so that `fill_store` makes them again from the audio, and nothing else.
    """
    folder = store_folder(corpus, settings, Path(store_root))
    if not FeatureStore.exists(folder):
        return 0, 0
    store = FeatureStore.open(folder)
    damaged = store.damaged()
    if damaged:
        logger.warning("%s: the features of %d sentences are damaged, %s first", folder, len(damaged), damaged[0])
        with StoreWriter(folder, settings) as writer:
            writer.forget(damaged)
    return len(store.entries), len(damaged)


def is_filled(corpus: Corpus, settings: Features, store_root: Path) -> bool:
    """Whether `fill_store` would find everything there, but for files that it could not use before."""
    folder = store_folder(corpus, settings, Path(store_root))
    if not FeatureStore.exists(folder):
        return False
    listed = folder / BAD_FILES
    bad = set(pd.read_csv(listed, dtype=str)["file"]) if listed.exists() else set()
    sources = _sources(corpus)
    missing = _missing(FeatureStore.open(folder), sources[sources["size"] >= 0]).index
    return set(map(harmless, missing)) <= bad


def store_folder(corpus: Corpus, settings: Features, store_root: Path) -> Path:
    """Where a corpus's features lie: one folder for each root and each feature configuration.

    The version is not in the name: a pool's changes with every file it gains, and the others would be done
    again.
    """
    stored = json.dumps({"format": FORMAT, **settings.stored()}, sort_keys=True)
    return store_root / f"{corpus.name}-{_hash8(str(corpus.root.resolve()))}-{_hash8(stored)}"


def count_notes(store: FeatureStore, corpus: Corpus, chunks: ChunkSettings | None = None) -> dict[str, int]:
    """How many of a prepared corpus's utterances each note applies to, the commonest first."""
    entries = store.rows(corpus.table["utterance_id"])
    counts = Counter(note for notes in entries["notes"] if notes for note in notes.split("; "))
    if chunks and "piece_seconds" not in store.settings:  # pieces are as many as a sentence is long
        counts.update(chunks.length_notes(entries["seconds"].to_numpy()))
    return dict(counts.most_common())


def _hash8(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _sources(corpus: Corpus) -> pd.DataFrame:
    """By utterance_id: path, start_sample, stop_sample, and the file's size and mtime_ns (-1: it is gone)."""
    table = corpus.table.set_index("utterance_id")[["path", "start_sample", "stop_sample"]]
    paths = table["path"].unique()
    states = pd.DataFrame([_state(corpus.root / path) for path in paths], paths, ["size", "mtime_ns"])
    return table.join(states, on="path")


def _state(path: Path) -> tuple[int, int]:
    try:
        state = path.stat()
    except OSError:
        return -1, -1
    return state.st_size, state.st_mtime_ns


def _missing(store: FeatureStore, sources: pd.DataFrame) -> pd.DataFrame:
    """The sources of which the store has no entry, or one of another state of the file."""
    keys = ["size", "mtime_ns", "start_sample", "stop_sample"]
    places = store.entries.index.get_indexer(sources.index)
    held = places >= 0
    same = store.entries[keys].to_numpy()[places[held]] == sources[keys].to_numpy()[held]
    current = np.zeros(len(sources), dtype=bool)
    current[held] = same.all(axis=1)
    return sources[~current]


def _extract(
    corpus: Corpus,
    missing: pd.DataFrame,
    settings: Features,
    writer: StoreWriter,
    workers: int | None,
    progress: bool,
) -> list[Problem]:
    """Extract and store what is missing, in the table's order; what could not be."""
    problems = []
    jobs = (Job(corpus.root / path, source.start_sample, source.stop_sample) for path, source in _each(missing))
    with closing(extract_all(jobs, len(missing), settings, workers)) as results, _progress(progress) as bar:
        task = bar.add_task(f"features of {corpus.name}", total=len(missing))
        for (_, source), result in zip(_each(missing), results, strict=True):
            if isinstance(result, Fault):
                problems.append(Problem(source.utterance_id, result.fault, result.remedy))
            else:
                writer.add(source, result.frames, result.seconds, result.notes, result.digest)
            bar.advance(task)
    return problems


def _each(sources: pd.DataFrame) -> Iterator[tuple[str, Source]]:
    """The path of every row, and the row as the store keeps it."""
    columns = (sources[name] for name in ("size", "mtime_ns", "start_sample", "stop_sample"))
    for path, name, *state in zip(sources["path"], sources.index, *columns, strict=True):
        yield path, Source(name, *state)


class _Rate(ProgressColumn):
    """Files a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:.0f} files/s")


def _progress(show: bool) -> Progress:
    """A bar on stderr that says how far, how fast and how long yet."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), disable=not show)


def _report_bad_files(corpus: Corpus, folder: Path) -> None:
    """Write bad_files.csv where there is something to say, or something no longer true."""
    path = folder / BAD_FILES
    if corpus.problems:
        words = [{key: harmless(text) for key, text in vars(problem).items()} for problem in corpus.problems]
        table = pd.DataFrame(words)
        text = table.to_csv(index=False)
        if not path.exists() or path.read_text() != text:
            write_whole(path, text)
        logger.warning("%s %s: %d files are left out, listed in %s", corpus.name, corpus.version, len(table), path)
    elif path.exists():
        path.unlink()
