"""Raw features of a corpus in one flat file, with an index that survives being killed at any moment.

A folder holds `frames.f16` (N, F) float16, `index.jsonl` with one line an utterance, and `settings.json`.
Both data files only ever grow. Frames reach the disk before the index lines that speak of them, so whatever
lies behind the last whole line is cut off by the next writer and extracted again. The last line of an
utterance holds.

Shapes: N frames in the store, F mel bins, U utterances asked for, T frames of one utterance.
"""

import io
import json
import os
import time
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.json
import torch
from torch import Tensor

from datamodules.errors import DataError
from datamodules.features import Features
from datamodules.locks import held
from datamodules.whole_files import write_whole

FORMAT = 2  # goes up when the same settings give other numbers or the files another layout
GROUP_FILES = 64  # utterances between two syncs to the disk …
GROUP_SECONDS = 2.0  # … or this long: what a kill can lose

_FRAMES, _INDEX, _SETTINGS, _LOCK = "frames.f16", "index.jsonl", "settings.json", "LOCK"
_SCHEMA = pa.schema(
    [
        ("utterance_id", pa.string()),
        ("size", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("start_sample", pa.int64()),
        ("stop_sample", pa.int64()),
        ("offset", pa.int64()),
        ("frames", pa.int64()),
        ("seconds", pa.float64()),
        ("notes", pa.string()),
        ("digest", pa.string()),
    ]
)


@dataclass(frozen=True)
class Source:
    """Which samples of which state of a file an entry was made from."""

    utterance_id: str
    size: int
    """Bytes of the audio file."""
    mtime_ns: int
    start_sample: int
    stop_sample: int


class FeatureStore:
    """A store as it was when it was opened; what a writer adds later is not seen."""

    def __init__(self, folder: Path, settings: dict[str, Any], entries: pd.DataFrame) -> None:
        self.folder = folder
        self.settings = settings
        """What Features.stored() gave."""
        self.entries = entries
        """By utterance_id: size, mtime_ns, start_sample, stop_sample, offset, frames, seconds, notes joined by "; ",
        and the digest of the whole file's content. Only utterances that have frames: one that cannot be used is
        looked at again each time."""

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether a writer has begun a store there."""
        return (folder / _SETTINGS).is_file()

    @classmethod
    def open(cls, folder: Path) -> "FeatureStore":
        """Read a store's index. Raises DataError where there is none, or a damaged one."""
        folder = Path(folder)
        if not cls.exists(folder):
            raise DataError(f"{folder}: no feature store; make it with python -m experiments.prepare.")
        try:
            settings = json.loads((folder / _SETTINGS).read_text())["features"]
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged(folder, f"{_SETTINGS} cannot be read") from error
        store = cls(folder, settings, _read_index(folder))
        frames = folder / _FRAMES
        if 2 * store.num_frames * store.num_bins > (frames.stat().st_size if frames.exists() else 0):
            raise _damaged(folder, f"{_FRAMES} is shorter than {_INDEX} says")
        return store

    @property
    def num_bins(self) -> int:
        """F."""
        return self.settings["num_bins"] if "num_bins" in self.settings else self.settings["num_mels"]

    @property
    def num_frames(self) -> int:
        """N, the frames of all utterances, outdated ones included."""
        return _end(self.entries)

    @cached_property
    def frames(self) -> Tensor:
        """(N, F) float16, raw, mapped read-only: only the rows that are touched are read."""
        shape = (self.num_frames, self.num_bins)
        if not self.num_frames:
            return torch.empty(shape, dtype=torch.float16)
        # A shared read-only map: a private one larger than the memory, as torch.from_file makes, is refused.
        mapped = np.memmap(self.folder / _FRAMES, dtype=np.float16, mode="r", shape=shape)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            return torch.from_numpy(mapped)

    def rows(self, utterance_ids: Sequence[str] | pd.Series) -> pd.DataFrame:
        """The entries of these utterances, in this order. Raises DataError if one is not there."""
        places = self.entries.index.get_indexer(pd.Index(utterance_ids))
        if (places < 0).any():
            missing = [str(name) for name in np.asarray(utterance_ids)[places < 0]]
            raise DataError(
                f"{self.folder}: no features of {len(missing)} utterances ({missing[0]} is the first); "
                "make them with python -m experiments.prepare."
            )
        return self.entries.iloc[places]

    def locate(self, utterance_ids: Sequence[str] | pd.Series) -> tuple[Tensor, Tensor]:
        """First row in `frames` and number of rows of each utterance, two (U,) int64 tensors."""
        rows = self.rows(utterance_ids)
        return torch.tensor(rows["offset"].to_numpy()), torch.tensor(rows["frames"].to_numpy())


class StoreWriter:
    """The one process that adds to a store; a context manager.

    Entering opens or creates the store, waits for another writer to finish, and cuts off what a killed one
    left. Leaving, also by an exception, brings everything added so far to the disk. Raises DataError for a
    damaged store.
    """

    store: FeatureStore
    """The store as it was found."""

    def __init__(self, folder: Path, settings: Features) -> None:
        self.folder = Path(folder)
        self.settings = settings
        self._pending: list[tuple[bytes, dict[str, Any]]] = []
        self._last_flush = time.monotonic()

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as opened:
            opened.enter_context(held(self.folder / _LOCK, self.folder))
            self._write_settings()
            self._frames = opened.enter_context(open(self.folder / _FRAMES, "ab", buffering=0))
            self._index = opened.enter_context(open(self.folder / _INDEX, "ab", buffering=0))
            self._index.truncate(_whole_lines(self.folder / _INDEX))
            self.store = FeatureStore.open(self.folder)
            self._end = self.store.num_frames
            self._frames.truncate(2 * self.settings.num_bins * self._end)
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._opened:
            self.flush()

    def add(
        self, source: Source, frames: np.ndarray, seconds: float, notes: Sequence[str] = (), digest: str = ""
    ) -> None:
        """Append one utterance's frames (T, F) float16. Raises DataError when the disk is full."""
        entry = {
            **vars(source),
            "offset": self._end,
            "frames": len(frames),
            "seconds": seconds,
            "notes": "; ".join(notes),
            "digest": digest,
        }
        self._pending.append((frames.tobytes(), entry))
        self._end += len(frames)
        if len(self._pending) >= GROUP_FILES or time.monotonic() - self._last_flush > GROUP_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Bring what was added to the disk: the frames, and only when they are safe the lines about them."""
        pending, self._pending = self._pending, []
        try:
            _append(self._frames, b"".join(frames for frames, _ in pending))
            lines = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for _, entry in pending)
            _append(self._index, lines.encode())
        except OSError as error:
            raise DataError(
                f"{self.folder}: features cannot be written ({error.strerror}); make room there or set "
                "store_root to another disk, then run the same command: it goes on where this one stopped."
            ) from error
        self._last_flush = time.monotonic()

    def _write_settings(self) -> None:
        wanted = {"format": FORMAT, "features": self.settings.stored()}
        path = self.folder / _SETTINGS
        if not path.exists():
            write_whole(path, json.dumps(wanted, indent=2) + "\n")
        else:
            try:
                found = json.loads(path.read_text())
            except ValueError as error:
                raise _damaged(self.folder, f"{_SETTINGS} cannot be read") from error
            if found != wanted:
                raise _damaged(self.folder, f"{_SETTINGS} describes other features")


def _append(file: io.FileIO, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
    os.fsync(file.fileno())


def _whole_lines(index: Path) -> int:
    """Bytes up to the end of the last line that was written whole."""
    with index.open("rb") as file:
        position = file.seek(0, os.SEEK_END)
        while position:
            step = min(1 << 16, position)
            position -= step
            file.seek(position)
            newline = file.read(step).rfind(b"\n")
            if newline >= 0:
                return position + newline + 1
    return 0


def _read_index(folder: Path) -> pd.DataFrame:
    index = folder / _INDEX
    whole = _whole_lines(index) if index.exists() else 0
    if whole:
        with index.open("rb") as file:
            lines = pa.BufferReader(file.read(whole))
        options = pyarrow.json.ParseOptions(explicit_schema=_SCHEMA, unexpected_field_behavior="error")
        try:
            table = pyarrow.json.read_json(lines, parse_options=options)
            table.validate(full=True)
        except pa.ArrowException as error:
            raise _damaged(folder, f"{_INDEX} has a line that cannot be read ({error})") from error
    else:
        table = _SCHEMA.empty_table()
    entries = table.to_pandas().drop_duplicates("utterance_id", keep="last")
    return entries.set_index("utterance_id")


def _end(entries: pd.DataFrame) -> int:
    return int((entries["offset"] + entries["frames"]).max()) if len(entries) else 0


def _damaged(folder: Path, fault: str) -> DataError:
    return DataError(f"{folder}: {fault}; remove this folder, it is made again from the audio.")
