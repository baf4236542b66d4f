"""Raw features of a corpus in one flat file, with an index that survives being killed at any moment.

A folder holds `frames.f16` (N, F) float16, `index.jsonl` with one line an utterance, and `settings.json`.
Both data files only ever grow. Frames reach the disk before the index lines that speak of them, so whatever
lies behind the last whole line is cut off by the next writer and extracted again. The last line of an
utterance holds. Every line ends with a checksum, and has that of its frames.

Shapes: N frames in the store, F mel bins, U utterances asked for, T frames of one utterance.
"""

import errno
import io
import json
import logging
import os
import time
import warnings
from collections.abc import Mapping, Sequence
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
import xxhash
from torch import Tensor

from datamodules.errors import DataError
from datamodules.features import Features
from datamodules.frame_sums import FrameSums, frame_sum
from datamodules.locks import held
from datamodules.whole_files import UNREADABLE, regular, whole_file, write_whole

log = logging.getLogger(__name__)

FORMAT = 3  # goes up when the same settings give other numbers or the files another layout
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
        ("frames_sum", pa.string()),
        ("line_sum", pa.string()),
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
        the digest of the whole file's content, and the frames' checksum. Only utterances that have frames: one that
        cannot be used is looked at again each time."""

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether a writer has begun a store there."""
        return (folder / _SETTINGS).is_file()

    @classmethod
    def open(cls, folder: Path) -> "FeatureStore":
        """Read a store's index. Damaged lines are left out, and said; what they spoke of is missing, and made again.

        Raises DataError where there is no store, or where its settings cannot be read.
        """
        folder = Path(folder)
        if not cls.exists(folder):
            raise DataError(f"{folder}: no feature store; make it with python -m experiments.prepare.")
        settings = _read_settings(folder)["features"]
        store = cls(folder, settings, _read_index(folder))
        frames = regular(folder / _FRAMES)
        there = (frames.stat().st_size if frames.exists() else 0) // (2 * store.num_bins)
        whole = store.entries["offset"] + store.entries["frames"] <= there
        if not whole.all():
            log.warning("%s: %s ends before %d utterances, which are missing", folder, _FRAMES, (~whole).sum())
            store.entries = store.entries[whole]
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

    def sums(self, utterance_ids: Sequence[str] | pd.Series) -> FrameSums:
        """What these utterances' frames must come to."""
        return FrameSums(list(map(str, utterance_ids)), self.rows(utterance_ids)["frames_sum"].tolist(), self.folder)

    def damaged(self) -> list[str]:
        """The utterances whose frames are not what was written; reads all of them."""
        places = torch.tensor(self.entries["offset"].to_numpy()), torch.tensor(self.entries["frames"].to_numpy())
        names = list(self.entries.index)
        differ = self.sums(names).differing(range(len(names)), self.frames, *places)
        return [names[row] for row in differ]


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
            self._frames = opened.enter_context(open(regular(self.folder / _FRAMES), "ab", buffering=0))
            _drop_damaged_lines(self.folder / _INDEX)
            self._index = opened.enter_context(open(self.folder / _INDEX, "ab", buffering=0))
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
            "frames_sum": frame_sum(frames),
        }
        self._pending.append((frames.tobytes(), entry))
        self._end += len(frames)
        if len(self._pending) >= GROUP_FILES or time.monotonic() - self._last_flush > GROUP_SECONDS:
            self.flush()

    def forget(self, utterance_ids: Sequence[str]) -> None:
        """What was stored of these holds no longer: a line without frames comes after theirs."""
        nothing = {"size": 0, "mtime_ns": 0, "start_sample": 0, "stop_sample": 0, "offset": 0, "frames": 0}
        empty = {"seconds": 0.0, "notes": "", "digest": "", "frames_sum": ""}
        self._pending += [(b"", {"utterance_id": name, **nothing, **empty}) for name in utterance_ids]
        self.flush()

    def flush(self) -> None:
        """Bring what was added to the disk: the frames, and only when they are safe the lines about them."""
        pending, self._pending = self._pending, []
        try:
            _append(self._frames, b"".join(frames for frames, _ in pending))
            _append(self._index, b"".join(_line(entry) for _, entry in pending))
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise OSError(error.errno, error.strerror, str(self.folder)) from error
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
            found = _read_settings(self.folder)
            if found != wanted:
                raise DataError(
                    f"{path}: describes other features than its folder's name; remove this folder, it is made again "
                    "from the audio."
                )


def _append(file: io.FileIO, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
    os.fsync(file.fileno())


def _line(entry: Mapping[str, Any]) -> bytes:
    """A line of the index, its last field a checksum of what comes before it."""
    text = json.dumps(entry, ensure_ascii=False).encode()
    return text[:-1] + _SUM_OF_LINE + xxhash.xxh3_64_hexdigest(text).encode() + b'"}\n'


_SUM_OF_LINE = b', "line_sum": "'


def _is_whole(line: bytes) -> bool:
    """Whether a line, without its end, is what was written."""
    text, _, told = line.rpartition(_SUM_OF_LINE)
    return told == xxhash.xxh3_64_hexdigest(text + b"}").encode() + b'"}'


def _read_settings(folder: Path) -> dict[str, Any]:
    """settings.json. Raises DataError where it is damaged; nothing in the folder can be told without it."""
    path = folder / _SETTINGS
    try:
        settings: dict[str, Any] = json.loads(regular(path).read_text())
        features = settings["features"]
        bins = features["num_bins"] if "num_bins" in features else features["num_mels"]
        if type(bins) is int and bins > 0:  # true is none
            return settings
    except UNREADABLE as error:
        log.debug("%s: %s", path, error)
    raise DataError(f"{path}: cannot be read; remove this folder, it is made again from the audio.")


def _lines(index: Path) -> tuple[list[bytes], int]:
    """The whole lines of an index, and how many others there are but for a last one that a kill tore."""
    if not index.exists():
        return [], 0
    *lines, _ = regular(index).read_bytes().split(b"\n")
    whole = [line for line in lines if _is_whole(line)]
    return whole, len(lines) - len(whole)


def _drop_damaged_lines(index: Path) -> None:
    """And one that was torn."""
    whole, _ = _lines(index)
    text = b"".join(line + b"\n" for line in whole)
    if index.exists() and index.stat().st_size != len(text):
        with whole_file(index) as draft:
            draft.write_bytes(text)


def _read_index(folder: Path) -> pd.DataFrame:
    lines, damaged = _lines(folder / _INDEX)
    if damaged:
        log.warning("%s: %d lines of %s are damaged; what they spoke of is missing", folder, damaged, _INDEX)
    if lines:
        options = pyarrow.json.ParseOptions(explicit_schema=_SCHEMA, unexpected_field_behavior="error")
        try:
            table = pyarrow.json.read_json(pa.BufferReader(b"\n".join(lines)), parse_options=options)
            table.validate(full=True)
        except MemoryError:  # pyarrow's own is one; nothing is damaged
            raise
        except pa.ArrowException as error:
            raise DataError(
                f"{folder}: {_INDEX} was written by another program ({error}); remove this folder, it is made again "
                "from the audio."
            ) from error
    else:
        table = _SCHEMA.empty_table()
    entries = table.to_pandas().drop_duplicates("utterance_id", keep="last").set_index("utterance_id")
    numbers = entries[["size", "start_sample", "offset", "frames", "seconds"]]
    entries = entries[(numbers >= 0).all(axis=1) & entries.notna().all(axis=1) & (entries["frames"] > 0)]
    whole = {name: "int64" for name in ("size", "mtime_ns", "start_sample", "stop_sample", "offset", "frames")}
    return entries.drop(columns="line_sum").astype(whole)


def _end(entries: pd.DataFrame) -> int:
    return int((entries["offset"] + entries["frames"]).max()) if len(entries) else 0
