"""Work in a process of its own, whose memory nothing else has touched."""

import multiprocessing
import resource
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

Found = TypeVar("Found")
EVERY = 0.02
"""Seconds between two looks at the memory."""


@dataclass(frozen=True)
class Apart(Generic[Found]):
    """What such work came to."""

    found: Found
    peak_gb: float
    """The most memory the process had, parts of mapped files among it."""
    own_gb: float
    """The most that was its own and could not be given back, as mapped files can; looked at every 20 ms."""


def apart(work: Callable[..., Found], *arguments: object) -> Apart[Found]:
    """`work(*arguments)` in a new process. Raises what it raises."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_watched, work, arguments).result()


def _watched(work: Callable[..., Found], arguments: tuple[object, ...]) -> Apart[Found]:
    most, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(EVERY):
            most[0] = max(most[0], _own_bytes())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    found = work(*arguments)
    done.set()
    watcher.join()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Apart(found, peak / 1e9, max(most[0], _own_bytes()) / 1e9)


def _own_bytes() -> int:
    """Anonymous memory in use; 0 where the system does not say."""
    try:
        with open("/proc/self/status") as lines:
            return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:")), 0)
    except OSError:
        return 0
