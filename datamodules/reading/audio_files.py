"""The audio files a user names: files as they are, folders with everything in them."""

from collections.abc import Sequence
from pathlib import Path

from datamodules.errors import DataError
from datamodules.reading.directories import walk_files
from datamodules.reading.headers import SUFFIXES


def find_audio(paths: Sequence[Path]) -> list[Path]:
    """Files in the order named, folders' contents sorted. Raises DataError when a path or all audio is missing."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(
                file for _, entry in walk_files(path) if (file := Path(entry.path)).suffix.lower() in SUFFIXES
            )
        elif path.exists():
            found.append(path)
        else:
            raise DataError(f"{path}: no such file or folder; give audio files or folders of them.")
    if not found:
        raise DataError(f"{', '.join(map(str, paths))}: no audio files found; give wav, flac, ogg or mp3 files.")
    return list(dict.fromkeys(found))
