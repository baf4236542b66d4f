"""MSP-Podcast as it lies on a disk, every public version (Lotfian & Busso 2019)."""

import hashlib
import os
import re
from pathlib import Path, PurePosixPath

import pandas as pd

from datamodules.corpus import COLUMNS, Corpus, Problem
from datamodules.errors import DataError
from datamodules.reading.directories import entries, require_folder, walk_files
from datamodules.reading.msp_podcast_labels import read_labels, set_aside, unrated_tests

AUDIO_FOLDERS = ("audios", "audio")
LABEL_FOLDERS = ("labels", "label")
LABEL_TABLES = ("labels_consensus.csv", "labels_concensus.csv")  # the second is how <= 1.9 spells it
# MSP-PODCAST-Publish-1.8; also podcast_release1.12, corpus-v1.12.
VERSION_IN_NAME = re.compile(
    r"MSP[-_ ]?PODCAST.*?(\d+\.\d+)|(?<![A-Za-z])(?:release|version|v)[-_ ]?(\d+\.\d+)", re.IGNORECASE
)
# MSP-PODCAST_0001_0002.wav: the second piece of the first episode.
EPISODE = r"^MSP-PODCAST_(\d+)_"
MANY_MISSING = 0.01  # of the listed files


def read(root: str | Path, version: str | None = None, labels: str | None = None, audio: str | None = None) -> Corpus:
    """The labelled utterances of an MSP-Podcast folder, in the order of its label table.

    `version` is taken from the folder's name (`MSP-PODCAST-Publish-1.8`) when it is None, and is `unknown`
    when the name does not tell. `labels` (a file) and `audio` (a folder), absolute or relative to `root`, are
    for a corpus that was moved apart. Files of a test set that are only in `Partitions.txt` (Test3) come
    without ratings.

    Raises DataError when folder or table cannot be used; a row that cannot be used becomes a Problem.
    """
    root = require_folder(root, "data.root")
    table_file = _label_table(root, labels)
    folders = _audio_folders(root, audio)
    version = _stated(version) or _version_in_name(root)
    problems: list[Problem] = []
    notes: list[str] = []

    rows = read_labels(table_file, problems, notes)
    rows = pd.concat([rows, unrated_tests(root, table_file, rows, problems)], ignore_index=True)
    listed = rows["utterance_id"]
    rows = _on_disk(rows, root, folders, table_file, problems, notes)
    rows = rows.assign(recording=rows["utterance_id"].str.extract(EPISODE, re.IGNORECASE)[0].fillna(""))
    return Corpus(
        name="msp_podcast",
        version=version,
        root=root,
        label_kind="human ratings",
        table=rows[list(COLUMNS)].reset_index(drop=True),
        label_digest=hashlib.sha256(table_file.read_bytes()).hexdigest(),
        problems=tuple(problems),
        notes=tuple(notes),
        also_listed=tuple(listed[~listed.isin(rows["utterance_id"])]),
    )


def _label_table(root: Path, labels: str | None) -> Path:
    if labels is not None:
        if not (root / labels).is_file():
            raise DataError(f"{root / labels}: there is no such label table; set data.labels to one that exists.")
        return root / labels
    here = entries(root)
    candidates = [
        Path(entry.path)
        for folder in here
        if folder.name.lower() in LABEL_FOLDERS and folder.is_dir()
        for entry in entries(Path(folder.path))
        if entry.name.lower() in LABEL_TABLES
    ]
    if len(candidates) > 1:
        names = " and ".join(str(path.relative_to(root)) for path in candidates)
        raise DataError(f"{root}: holds two label tables, {names}; choose one with data.labels=<file>.")
    if candidates:
        return candidates[0]
    inside = root.resolve().name.lower() in AUDIO_FOLDERS + LABEL_FOLDERS
    if inside or any(entry.name.lower() in LABEL_TABLES for entry in here):
        raise DataError(f"{root}: is a folder inside the corpus; set data.root to its parent, {root.resolve().parent}.")
    raise DataError(
        f"{root}: no label table (looked for {' or '.join(LABEL_TABLES)} in Labels/, labels/ or label/); set "
        "data.root to the folder that holds Audios/ and Labels/, or data.labels to the table."
    )


def _audio_folders(root: Path, audio: str | None) -> list[Path]:
    if audio is not None:
        return [require_folder(root / audio, "data.audio")]
    found = [Path(entry.path) for entry in entries(root) if entry.name.lower() in AUDIO_FOLDERS and entry.is_dir()]
    if not found:
        raise DataError(
            f"{root}: no audio folder (looked for Audios/ and Audio/); set data.root to the folder that "
            "holds Audios/ and Labels/, or data.audio to the audio folder."
        )
    return list({path.resolve(): path for path in found}.values())  # Audio may be a link to Audios


def _stated(version: object) -> str:
    if isinstance(version, float) and version == 1.1:
        raise DataError(
            "data.version=1.10 without quotes is read as the number 1.1; write \"data.version='1.10'\" (or '1.1')."
        )
    return "" if version is None else str(version)


def _version_in_name(root: Path) -> str:
    for name in (root.name, root.resolve().name):
        if match := VERSION_IN_NAME.search(name):
            return match[1] or match[2]
    return "unknown"


def _on_disk(
    rows: pd.DataFrame,
    root: Path,
    folders: list[Path],
    table_file: Path,
    problems: list[Problem],
    notes: list[str],
) -> pd.DataFrame:
    """The rows whose file exists, with its path; names may be plain or hold the sub-folder."""
    where: dict[str, str] = {}
    twice: set[str] = set()
    paths: list[str] = []
    for folder in folders:
        prefix = PurePosixPath(os.path.relpath(folder, root))
        for name, entry in walk_files(folder):
            path = str(prefix / name)
            if path.lower().endswith(".wav"):
                paths.append(path)
            for key in {name.casefold(), entry.name.casefold()}:
                if where.setdefault(key, path) != path:
                    twice.add(key)

    places = " and ".join(f"{folder.name}/" for folder in folders)
    rows = set_aside(
        rows,
        rows["key"].isin(twice),
        f"occurs more than once below {places}",
        "keep one of the files",
        problems,
    )
    rows = rows.assign(path=rows["key"].map(where), start_sample=0, stop_sample=-1)

    for split in rows.loc[rows["only_in_list"], "split"].unique():
        members = rows["only_in_list"] & (rows["split"] == split)
        if rows.loc[members, "path"].isna().all():  # the audio of a secret test set is handed out apart
            notes.append(f"{split}: {members.sum()} files are in the partition list only, without ratings and audio")
            rows = rows[~members]

    missing = rows["path"].isna()
    remedy = f"put it below {places} or remove its row from {table_file.name}"
    if missing.mean() > MANY_MISSING:
        remedy = (
            f"{missing.sum()} of {len(rows)} listed files are missing: is {table_file.name} the table of "
            "another version? Otherwise fetch the audio again"
        )
    rows = set_aside(rows, missing, f"is listed but is not a file below {places}", remedy, problems)

    unlisted = sorted(set(paths) - set(rows["path"]))
    excluded = {problem.file.casefold() for problem in problems}
    unlisted = [path for path in unlisted if PurePosixPath(path).name.casefold() not in excluded]
    if unlisted:
        notes.append(f"{len(unlisted)} audio files are not listed and not used, the first: {unlisted[0]}")
    return rows
