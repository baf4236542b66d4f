"""One job a GPU when a sweep runs several jobs at once on a machine: a lock file for each GPU."""

import fcntl
import logging
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from datamodules.errors import ConfigurationError

log = logging.getLogger(__name__)


def visible_gpus() -> list[str]:
    """The GPUs this process may use, as CUDA_VISIBLE_DEVICES names them."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [one.strip() for one in chosen.split(",") if one.strip()]
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigurationError(f"trainer=gpu: nvidia-smi finds no GPU here ({error}); set trainer=cpu.") from error
    return listed.stdout.split()


def _open(path: Path) -> IO[str]:
    """A lock file, which stays when it is unlocked: whoever waits must find the same. Another user's can be read."""
    try:
        return path.open("a")
    except PermissionError:
        return path.open("r")


@contextmanager
def hold_gpus(count: int, gpus: Sequence[str], folder: Path | None = None, every: float = 1.0) -> Iterator[list[str]]:
    """Hold `count` of `gpus` that no other job of this machine holds, waiting until there are so many.

    folder: where the lock files lie; all jobs of a machine must take the same. The kernel lets go of them when a
    process dies. Raises ConfigurationError when there are never enough.
    """
    if count > len(gpus):
        raise ConfigurationError(f"trainer.devices={count}: there are {len(gpus)} GPUs here; set it lower.")
    folder = folder or Path(tempfile.gettempdir())
    waiting = False
    while True:
        with ExitStack() as held:
            taken = []
            for gpu in gpus:
                file = held.enter_context(_open(folder / f"emocluster-gpu-{gpu}.lock"))
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                taken.append(gpu)
                if len(taken) == count:
                    yield taken
                    return
        # All or none: two jobs that each hold half of what they want would wait for ever.
        if not waiting:
            log.info("waiting for %d free GPUs of %s", count, ", ".join(gpus))
            waiting = True
        time.sleep(every)
