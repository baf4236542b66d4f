"""One process at a time: a lock that the kernel lets go of when its holder dies."""

import fcntl
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from datamodules.errors import DataError
from datamodules.whole_files import about, regular

log = logging.getLogger(__name__)


@contextmanager
def held(path: Path, what: Path | str) -> Iterator[None]:
    """Hold the lock file `path`; says who has it, and waits.

    what: that is locked, for the message. The file stays when it is let go: whoever waits must find the same.
    """
    with regular(path).open("a+") as file:
        with about(path):
            if not _taken(file):
                file.seek(0)
                log.warning("%s is held by %s; waiting for it to end", what, file.read().strip() or "another process")
                fcntl.flock(file, fcntl.LOCK_EX)
        _say(file.fileno(), f"process {os.getpid()} on {socket.gethostname()}\n")
        try:
            yield
        finally:
            _say(file.fileno(), "")
            fcntl.flock(file, fcntl.LOCK_UN)


def take(file: IO[str], what: Path | str) -> None:
    """Lock an open file until it is closed. Raises DataError where another process has it."""
    if not _taken(file):
        raise DataError(f"{what}: another process is at the same work; wait for it, or end it.")


def _taken(file: IO[str]) -> bool:
    """Whether it could be locked without waiting."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _say(number: int, holder: str) -> None:
    """Who holds it; on a full disk nobody is told, and it is held all the same."""
    try:
        os.ftruncate(number, 0)
        os.write(number, holder.encode())  # at the end, as the file was opened to append
    except OSError:
        log.debug("the holder of a lock cannot be written", exc_info=True)
