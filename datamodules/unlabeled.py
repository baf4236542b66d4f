"""Which part of the unlabelled pool a run trains on."""

import os
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from datamodules.corpus import Corpus
from datamodules.errors import DataError


def select(pool: Corpus, size: int, labeled: Corpus | None, seed: int = 99) -> Corpus:
    """The first `size` utterances of the pool in its one shuffled order, less what is also labelled.

    The order is that of the authors' released program (001: sorted names, `np.random.seed(99)`,
    `np.random.shuffle`), so a smaller subset is a prefix of a larger one. A file of the pool counts as
    labelled when it is the same file on the disk (also through links) or has the same name as a labelled one.

    The files that the pool's reader left out are the pool's, not the subset's: they are told in a note.

    Raises DataError when the pool has fewer than `size` utterances.
    """
    kept, left_out = _not_labeled(pool, labeled)
    notes = pool.notes
    if left_out:
        notes += (f"{left_out} files of the pool are also labelled and are left out of it",)
    table = pool.table[kept].sort_values("utterance_id", ignore_index=True)
    if not 0 <= size <= len(table):
        raise DataError(
            f"{pool.root}: unlabeled_size={size} was asked for, but the pool has {len(table)} utterances"
            f"{f' besides {left_out} files that are also labelled' if left_out else ''}; "
            f"set unlabeled_size to at most {len(table)}, or data.unlabeled_dir to a larger pool."
        )
    order = np.arange(len(table))
    # Not the Generator of today: the subsets behind the published results were drawn with this one.
    np.random.RandomState(seed).shuffle(order)
    if pool.problems:
        notes += (f"{len(pool.problems)} files of the pool cannot be used; the first: {pool.problems[0]}",)
    return replace(pool, table=table.iloc[order[:size]].reset_index(drop=True), notes=notes, problems=())


def _not_labeled(pool: Corpus, labeled: Corpus | None) -> tuple[np.ndarray, int]:
    """Which rows of the pool's table are not of a labelled file, and how many files are."""
    if labeled is None:
        return np.ones(len(pool), bool), 0
    names = {PurePosixPath(path).name for path in labeled.table["path"]}
    on_disk = {identity for path in labeled.table["path"] if (identity := _identity(labeled.root, path))}
    files = pool.table["path"].unique()
    both = {path for path in files if PurePosixPath(path).name in names or _identity(pool.root, path) in on_disk}
    return ~pool.table["path"].isin(both).to_numpy(), len(both)


def _identity(root: Path, path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(os.path.join(root, path))  # 600,000 Path objects would take twice as long
    except OSError:  # gone since it was listed; whoever opens it will say so
        return None
    return status.st_dev, status.st_ino
