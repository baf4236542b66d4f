"""Which part of the unlabelled pool a run trains on."""

import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from datamodules.corpus import Corpus
from datamodules.errors import DataError
from datamodules.labels import ATTRIBUTES, EMOTION


def in_order(pool: Corpus, labeled: Corpus | None, seed: int = 99) -> Corpus:
    """The pool in its one shuffled order, less what is also labelled.

    The order is that of the authors' released program (001: sorted names, `np.random.seed(99)`,
    `np.random.shuffle`). A file of the pool counts as labelled when it is the same file on the disk (also through
    links), or has the name of a file of the labelled corpus, whatever the suffix and the case: also of one that is in
    no set, for a secret test set's files may be listed alone. Copies under other names are found by their content, see
    `first`.

    The files that the pool's reader left out are the pool's, not a subset's: they are told in a note.
    """
    kept, left_out = _not_labeled(pool, labeled)
    notes = pool.notes
    if left_out:
        notes += (f"{left_out} files of the pool are also labelled and are left out of it",)
    table = pool.table[kept].sort_values("utterance_id", ignore_index=True)
    order = np.arange(len(table))
    # Not the Generator of today: the subsets behind the published results were drawn with this one.
    np.random.RandomState(seed).shuffle(order)
    if pool.problems:
        notes += (f"{len(pool.problems)} files of the pool cannot be used; the first: {pool.problems[0]}",)
    return replace(pool, table=table.iloc[order].reset_index(drop=True), notes=notes, problems=())


def first(pool: Corpus, size: int, without: Collection[str] = ()) -> Corpus:
    """The first `size` utterances of an ordered pool, so that a smaller subset is a prefix of a larger one.

    without: paths of files that turned out to be labelled ones.

    Raises DataError when the pool has fewer than `size` utterances.
    """
    table = pool.table[~pool.table["path"].isin(list(without))]
    if not 0 <= size <= len(table):
        raise DataError(
            f"{pool.root}: unlabeled_size={size} was asked for, but the pool has {len(table)} utterances besides "
            f"those that are also labelled; set unlabeled_size to at most {len(table)}, or data.unlabeled_dir to a "
            "larger pool."
        )
    notes = pool.notes
    if without:
        notes += (f"{len(without)} files of the pool are copies of labelled ones and are left out of it",)
    return replace(pool, table=table.iloc[:size].reset_index(drop=True), notes=notes)


def of_training_set(corpus: Corpus, size: int, seed: int = 99) -> Corpus:
    """`size` training sentences without their labels, in the order that a pool would have: a control in its place.

    Raises DataError when the training set has fewer.
    """
    rows = corpus.rows("train").sort_values("utterance_id", ignore_index=True)
    if size > len(rows):
        raise DataError(
            f"{corpus.root}: unlabeled_size={size} was asked for with data.unlabeled_from=train, and the training set "
            f"has {len(rows)} sentences; set unlabeled_size to at most {len(rows)}."
        )
    order = np.arange(len(rows))
    np.random.RandomState(seed).shuffle(order)  # as in_order
    table = rows.iloc[order[:size]].assign(split="unlabeled").reset_index(drop=True)
    table[list(ATTRIBUTES)], table[EMOTION] = np.nan, ""
    return replace(corpus, label_kind="none", table=table, problems=(), notes=())


def _not_labeled(pool: Corpus, labeled: Corpus | None) -> tuple[np.ndarray, int]:
    """Which rows of the pool's table are not of a labelled file, and how many files are."""
    if labeled is None:
        return np.ones(len(pool), bool), 0
    listed = [*labeled.table["path"], *labeled.also_listed, *(problem.file for problem in labeled.problems)]
    names = {_stem(path) for path in listed}
    on_disk = {identity for path in labeled.table["path"] if (identity := _identity(labeled.root, path))}
    files = pool.table["path"].unique()
    both = {path for path in files if _stem(path) in names or _identity(pool.root, path) in on_disk}
    return ~pool.table["path"].isin(both).to_numpy(), len(both)


def _stem(path: str) -> str:
    """A file's name without folder, suffix and case: `MSP_1.WAV` and `msp_1.flac` are one recording."""
    return PurePosixPath(path).stem.casefold()


def _identity(root: Path, path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(os.path.join(root, path))  # 600,000 Path objects would take twice as long
    except OSError:  # gone since it was listed; whoever opens it will say so
        return None
    return status.st_dev, status.st_ino
