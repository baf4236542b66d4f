"""Corpora whose files are named after speaker and emotion."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

import pandas as pd

from datamodules.corpus import COLUMNS, Corpus, Problem
from datamodules.reading.directories import walk
from datamodules.reading.proxy_attributes import proxy_attributes


def wav_files(root: Path) -> list[str]:
    """Every wav below a folder, relative to it and in order, but for hidden ones."""
    return sorted(name for name, _ in walk(root) if name.lower().endswith(".wav"))


def corpus_of_names(
    name: str,
    root: Path,
    rows: Iterable[Mapping[str, str]],
    published: Mapping[str, int],
    problems: Sequence[Problem] = (),
    notes: Sequence[str] = (),
) -> Corpus:
    """The corpus of `rows`: utterance_id, path, split, speaker, gender, emotion of each; with proxy attributes.

    published: sentences of each emotion in the whole corpus. The version tells how much of it is there.
    """
    table = pd.DataFrame([{**row, **proxy_attributes(row["emotion"])} for row in rows])
    table = table.assign(recording="", start_sample=0, stop_sample=-1)[list(COLUMNS)]
    return Corpus(
        name=name,
        version=f"{table['emotion'].nunique()} classes, {len(table)} files",
        root=root,
        label_kind="proxy attributes",
        table=table,
        label_digest=hashlib.sha256(table.to_csv(index=False).encode()).hexdigest(),
        problems=tuple(problems),
        notes=tuple(notes),
        published=dict(published),
    )


def misnamed(names: Iterable[str], corpus: str, example: str) -> list[Problem]:
    """A Problem for each file that is not named as its corpus names files."""
    fault = f"is not named as {corpus} names its files ({example})"
    return [Problem(name, fault, "rename it or move it away") for name in names]


def basename(path: str) -> str:
    """The last part of a relative path."""
    return PurePosixPath(path).name
