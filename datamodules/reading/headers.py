"""Durations of very many audio files, from their headers alone, remembered between calls."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from datamodules.audio import LOWEST_RATE, no_file
from datamodules.reading.directories import walk
from datamodules.whole_files import whole_file

# libsndfile's formats are mostly named like their files; RAW has no header to tell its rate and channels.
SUFFIXES = frozenset(f".{name.lower()}" for name in soundfile.available_formats() if name != "RAW") | {
    ".aif",
    ".aifc",
    ".oga",
    ".opus",
    ".snd",
    ".sph",
}
THREADS = 16  # opening a file is waiting, above all on a network disk
AT_ONCE = 500
BETWEEN_SAVES = 50_000
LONGEST = 2**40  # samples; the header of a stream that was never closed holds the largest number there is
SAMPLES_A_BYTE = 2000  # more than silence in flac or opus comes to
IDENTITY = ["name", "size", "modified_ns"]


def scan(folder: Path, wanted: Callable[[str], bool], cache: Path | None) -> pd.DataFrame:
    """A row a file below `folder` whose relative name is `wanted`: name, size, modified_ns, frames, rate,
    fault.

    `frames` are samples at `rate` Hz; where the header cannot be read both are 0 and `fault` says why. Rows
    are sorted by name. What stands in `cache` (a parquet file) with the same name, size and time is not
    opened again; the cache is brought up to date, also in between, so that an interrupted scan of 600,000
    files goes on where it was.

    Raises DataError when a folder cannot be listed.
    """
    files = _listing(folder, wanted)
    known = _remembered(cache)
    if known is None:
        rows = files.assign(frames=-1, rate=0, fault="")
    else:
        rows = files.merge(known, how="left", on=IDENTITY).fillna({"frames": -1, "rate": 0, "fault": ""})
        rows = rows.astype({"frames": "int64", "rate": "int64"})
    unread = np.flatnonzero(rows["frames"] < 0)
    for start in range(0, len(unread), BETWEEN_SAVES):
        now = unread[start : start + BETWEEN_SAVES]
        headers = _read_headers(folder, rows["name"].to_numpy()[now])
        for column, values in headers.items():
            rows.loc[now, column] = values
        if cache is not None:
            _remember(rows[rows["frames"] >= 0], cache)
    return rows


def _listing(folder: Path, wanted: Callable[[str], bool]) -> pd.DataFrame:
    names: list[str] = []
    sizes: list[int] = []
    times: list[int] = []
    for name, entry in walk(folder):
        if os.path.splitext(name)[1].lower() in SUFFIXES and wanted(name):
            try:
                status = entry.stat()
            except OSError:  # a link that leads nowhere
                status = entry.stat(follow_symlinks=False)
            names.append(name)
            sizes.append(status.st_size)
            times.append(status.st_mtime_ns)
    files = pd.DataFrame({"name": pd.Series(names, dtype=str), "size": sizes, "modified_ns": times})
    files = files.astype({"size": "int64", "modified_ns": "int64"})
    return files.sort_values("name", ignore_index=True)


def _read_headers(folder: Path, names: np.ndarray) -> dict[str, np.ndarray]:
    parts = [names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE)]
    with ThreadPoolExecutor(THREADS) as pool:
        results = list(pool.map(lambda part: [_header(folder / name) for name in part], parts))
    frames, rates, faults = zip(*(header for part in results for header in part), strict=True)
    return {
        "frames": np.array(frames, np.int64),
        "rate": np.array(rates, np.int64),
        "fault": np.array(faults, object),
    }


def _header(path: Path) -> tuple[int, int, str]:
    if fault := no_file(path):
        return 0, 0, f"is {fault}"
    try:
        info = soundfile.info(path)
    except (soundfile.SoundFileError, OSError) as error:
        reason = str(error).rsplit(": ", 1)[-1].strip().rstrip(".")
        return 0, 0, f"cannot be opened as audio ({reason})"
    if info.frames <= 0:
        return 0, 0, "holds no audio"
    if info.frames > LONGEST:
        return 0, 0, "does not tell how long it is"
    if info.samplerate < LOWEST_RATE:
        return 0, 0, f"has {info.samplerate} samples a second, fewer than the {LOWEST_RATE} of any speech"
    if info.frames > SAMPLES_A_BYTE * path.stat().st_size:
        return 0, 0, f"tells of {info.frames} samples, more than its bytes can hold"
    return info.frames, info.samplerate, ""


def _remembered(cache: Path | None) -> pd.DataFrame | None:
    if cache is None or not cache.exists():
        return None
    try:
        known = pd.read_parquet(cache, columns=[*IDENTITY, "frames", "rate", "fault"])
    except (
        OSError,
        ValueError,
    ):  # pyarrow's faults are ValueErrors; a damaged cache only costs the time to scan again
        return None
    return known.drop_duplicates(IDENTITY)


def _remember(rows: pd.DataFrame, cache: Path) -> None:
    cache.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(cache) as draft:
        rows.to_parquet(draft, index=False)
