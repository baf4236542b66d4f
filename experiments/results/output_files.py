"""Whether what a program was asked to write can be written, before any work is done."""

import errno
import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from datamodules.errors import DataError


def check_writable(output: Path, files: Iterable[Path], models: Iterable[Path] = (), option: str = "--output") -> Path:
    """Where the file will lie: `output`, or what it links to.

    Raises DataError where it cannot be written or would replace something else: one of the recordings, one of the
    files that `models` are read from, a device. option: by which it was given.
    """
    try:
        if output.is_dir():
            raise DataError(f"{output}: is a folder; give the name of a file to {option}.")
        target = Path(os.path.realpath(output))
        if target.is_symlink():
            raise DataError(f"{output}: is a link that leads back to itself; give another place to {option}.")
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            raise DataError(f"{output}: is no file but a device or the like; give another place to {option}.")
        for what, paths in (("one of the recordings", files), ("a file of a model", models)):
            for file in paths:
                if os.path.realpath(file) == str(target) or (
                    target.exists() and file.exists() and file.samefile(target)
                ):
                    raise DataError(f"{output}: is {what}; give another place to {option}.")
        if target.exists():
            _refuse_immutable(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        # As long as the name of the .part file.
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f"{target.name}.", suffix=".part"):
            pass
    except OSError as error:
        raise DataError(f"{output}: cannot be written ({error.strerror}); give another place to {option}.") from error
    return target


def _refuse_immutable(file: Path) -> None:
    """Raise OSError for one that nobody may replace (chattr +i); without the right to write, it may be."""
    try:
        os.close(os.open(file, os.O_WRONLY))
    except OSError as error:
        if error.errno == errno.EPERM:
            raise


def check_folder(folder: Path, option: str) -> Path:
    """A folder to write into, made where it is not there. Raises DataError where it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".part"):
            pass
    except OSError as error:
        raise DataError(f"{folder}: cannot be written ({error.strerror}); give another place to {option}.") from error
    return folder
