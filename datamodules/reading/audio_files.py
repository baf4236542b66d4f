"""The audio files a user names: files as they are, folders with everything in them."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from datamodules.errors import DataError
from datamodules.reading.directories import walk
from datamodules.reading.headers import SUFFIXES
from datamodules.whole_files import regular


class Found(NamedTuple):
    """What was found of what a user named."""

    files: list[Path]
    """In the order named, each once; folders' contents sorted."""
    others: int
    """Files in the folders that are no audio by their suffix."""


def find_audio(paths: Sequence[Path]) -> Found:
    """All audio files of files and folders. Raises DataError when a path or all audio is missing."""
    found: list[Path] = []
    others = 0
    for path in paths:
        try:
            folder, there = path.is_dir(), path.exists()
        except OSError as error:  # a name too long for the system
            raise DataError(
                f"{path}: cannot be opened ({error.strerror}); give audio files or folders of them."
            ) from error
        if folder:
            files = [Path(entry.path) for _, entry in walk(path)]
            audio = [file for file in files if file.suffix.lower() in SUFFIXES]
            found += sorted(audio)
            others += len(files) - len(audio)
        elif there:
            found.append(regular(path))
        else:
            raise DataError(f"{path}: no such file or folder; give audio files or folders of them.")
    if not found:
        raise DataError(f"{', '.join(map(str, paths))}: no audio files found; give wav, flac, ogg or mp3 files.")
    return Found(list(dict.fromkeys(found)), others)
