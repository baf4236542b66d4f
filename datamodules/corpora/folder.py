"""An unlabelled pool: any folder of audio files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from datamodules.corpus import COLUMNS, Corpus, Problem
from datamodules.errors import DataError
from datamodules.labels import ATTRIBUTES
from datamodules.reading.directories import require_folder
from datamodules.reading.headers import scan


def read_pool(
    folder: str | Path | None,
    name: str = "folder",
    max_seconds: float = 11.0,
    scan_cache: Path | None = None,
    wanted: Callable[[str], bool] = lambda name: True,
) -> Corpus | None:
    """Every audio file below `folder` (None: there is no pool), sorted by name; only headers are read.

    Any format that soundfile reads, any names, any sub-folders; `wanted` chooses by the name relative to the
    folder, which is also the utterance_id. A file longer than `max_seconds` becomes the least number of
    equally long pieces that are not, `name#0`, `name#1` …, whose samples are counted at the file's own rate.
    `scan_cache` remembers the durations between calls.

    Raises DataError when the folder does not exist, cannot be listed or holds no audio; a file whose header
    cannot be read becomes a Problem.
    """
    if folder is None:
        return None
    root = require_folder(folder, "data.unlabeled_dir")
    files = scan(root, wanted, scan_cache)
    if files.empty:
        raise DataError(
            f"{root}: no audio file of the layout expected in it and its sub-folders (looked for wav, flac, ogg, mp3 "
            "and whatever else soundfile reads); set data.unlabeled_dir to the folder of the pool, or to null."
        )
    bad = files["fault"] != ""
    problems = tuple(
        Problem(file, fault, "mend it or remove it from the pool")
        for file, fault in zip(files.loc[bad, "name"], files.loc[bad, "fault"], strict=True)
    )
    files = files[~bad]
    table = _pieces(files, max_seconds)
    cut = int((table["stop_sample"] >= 0).sum())
    notes = [f"{cut} pieces of at most {max_seconds:g} s come from longer files"] if cut else []
    return Corpus(
        name=name,
        version=f"{len(files)} files",
        root=root,
        label_kind="none",
        table=table,
        problems=problems,
        notes=tuple(notes),
    )


def _pieces(files: pd.DataFrame, max_seconds: float) -> pd.DataFrame:
    frames = files["frames"].to_numpy()
    most = np.maximum((files["rate"].to_numpy() * max_seconds).astype(np.int64), 1)
    count = -(-frames // most)
    row = np.repeat(np.arange(len(files)), count)
    number = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    cut = count[row] > 1
    name = files["name"].reset_index(drop=True).take(row).reset_index(drop=True)
    blank = dict.fromkeys(("speaker", "gender", "emotion"), "") | dict.fromkeys(ATTRIBUTES, np.nan)
    return pd.DataFrame(
        {
            "utterance_id": name.where(~cut, name + "#" + pd.Series(number).astype(str)),
            "path": name,
            "recording": name.where(cut, ""),
            "start_sample": frames[row] * number // count[row],
            "stop_sample": np.where(cut, frames[row] * (number + 1) // count[row], -1),
        }
    ).assign(split="unlabeled", **blank)[list(COLUMNS)]
