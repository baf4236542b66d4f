"""Files that are whole or not there: written beside their place, brought to the disk, then renamed."""

import errno
import hashlib
import os
import re
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from datamodules.errors import DataError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Where to write what is to become `path`: on leaving it does, after an exception or a kill `path` is as it was.

    Raises OSError with the file's name. Drafts that killed processes of this machine left of it are removed.
    """
    draft = path.with_name(f"{_drafts(path)}{os.getpid()}.part")
    with about(path, draft):
        try:
            yield draft
            _sync(draft)
            os.replace(draft, path)
            _sync(path.parent)  # or the rename may be lost with the power
        finally:
            draft.unlink(missing_ok=True)
            with suppress(OSError):  # that must not stand for what happened above
                _remove_abandoned(path)


def write_whole(path: Path, text: str) -> None:
    """The text, in UTF-8, as `whole_file` writes; bytes of a file's name that are none stay readable."""
    with whole_file(path) as draft:
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")


@contextmanager
def about(path: Path, draft: Path | None = None) -> Iterator[None]:
    """An OSError of this block says which file it is about; one of a full disk does not by itself.

    draft: that stands for it, and that nobody needs to know of.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None or str(error.filename) == str(draft):
            raise OSError(error.errno or 0, error.strerror or str(error), str(path)) from error
        raise


def regular(path: Path) -> Path:
    """The path of a file that can be read to its end, or of none. Raises DataError for a folder, a pipe or a device.

    Also for one that the system does not let this user read, or that its disk cannot: that is no sign of damage, and
    whoever reads it would say so.
    """
    try:
        if stat.S_ISREG(path.stat().st_mode):
            with path.open("rb") as file:
                file.read(1)
            return path
    except (FileNotFoundError, NotADirectoryError):
        return path
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); give this user the right to it, or see to its disk."
        ) from error
    kind = "folder" if path.is_dir() else "pipe or a device"
    raise DataError(f"{path}: is a {kind} where a file is expected; put the file there.")


UNREADABLE = (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)
"""What reading a damaged file may raise: the faults of json, numpy, pandas, pyarrow and pydantic are among these."""


LONGEST_NAME = 150  # bytes, of the 255 that most file systems allow


def _here() -> str:
    """Where a process's number means that process: containers of one name on one disk have numbers of their own."""
    known = [socket.gethostname()]
    with suppress(OSError):
        known += [Path("/proc/sys/kernel/random/boot_id").read_text(), os.readlink("/proc/self/ns/pid")]
    return hashlib.blake2b("\n".join(known).encode(), digest_size=6).hexdigest()


_HERE = _here()


def _drafts(path: Path) -> str:
    """How the names of all drafts of `path` begin; names are as long as file systems allow, so long ones are cut."""
    name = os.fsencode(path.name)
    known = path.name if len(name) <= LONGEST_NAME else hashlib.blake2b(name, digest_size=16).hexdigest()
    return f".{known}.{_HERE}."


def _sync(path: Path) -> None:
    """Bring a file, or a folder's names, to the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno != errno.EINVAL:  # of a file system that does not do so for folders
            raise
    finally:
        os.close(number)


def _remove_abandoned(path: Path) -> None:
    """Drafts of `path` whose writers are gone."""
    written = re.compile(re.escape(_drafts(path)) + r"(\d+)\.part")
    for name in os.listdir(path.parent):
        found = written.fullmatch(name)
        if found and not _alive(int(found[1])):
            path.with_name(name).unlink(missing_ok=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True
