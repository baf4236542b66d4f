"""Looking into folders; what goes wrong there is told in one sentence."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from datamodules.errors import DataError


def require_folder(folder: str | Path, option: str) -> Path:
    """`folder` as a path, after making sure that it is a folder.

    Raises DataError, naming the `option` to set, when it does not exist or is a file.
    """
    path = Path(folder).expanduser()
    if not path.exists():
        raise DataError(f"{path}: there is no such folder; set {option} to one that exists.")
    if not path.is_dir():
        raise DataError(f"{path}: is a file, not a folder; set {option} to the folder that holds it.")
    return path


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """What lies directly in a folder, sorted, less hidden names (macOS leaves `._x.wav` beside every
    `x.wav`).

    Raises DataError when the folder cannot be listed.
    """
    try:
        with os.scandir(folder) as found:
            return sorted((entry for entry in found if entry.name[0] != "."), key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be listed ({error.strerror}); give this user the right to read and enter it."
        ) from error


def walk_files(start: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """The files alone of all that `walk` finds."""
    for name, entry in walk(start):
        with suppress(OSError):  # a link that leads back to itself
            if entry.is_file():
                yield name, entry


def walk(start: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """All but the folders below a folder as (name relative to it, entry); links to folders are followed, each
    folder once. A pipe, or a link that leads nowhere, is among them: whoever reads it says what it is.

    A name that is not UTF-8 is shown with escapes, so that it can be printed and stored.
    A folder of 150,000 files costs one directory listing and no look at the files themselves.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [("", start)]
    while waiting:
        prefix, place = waiting.pop()
        status = place.stat()
        if (status.st_dev, status.st_ino) in seen:  # a link back to a folder above would never end
            continue
        seen.add((status.st_dev, status.st_ino))
        for entry in entries(place):
            try:
                folder = entry.is_dir()
            except OSError:  # a link that leads back to itself
                folder = False
            if folder:
                waiting.append((f"{prefix}{entry.name}/", place / entry.name))
            else:
                yield os.fsencode(prefix + entry.name).decode("utf-8", "backslashreplace"), entry
