"""A run's directory: who holds it, how far it came, and what it leaves behind."""

import fcntl
import json
import logging
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


class RunDirectory:
    """`DONE` is written last of all; `FAILED` holds the reason; neither means that the run is partial or new."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.last = self.checkpoints / "last.ckpt"
        self.best = self.checkpoints / "best.ckpt"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run. A second process says who holds it, and waits."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "LOCK").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                holder = file.read().strip() or "another process"
                log.warning("%s is held by %s; waiting for it to end", self.path, holder)
                fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            file.truncate()
            file.write(f"process {os.getpid()} on {socket.gethostname()}")
            file.flush()
            try:
                yield
            finally:
                file.seek(0)
                file.truncate()
                file.flush()
                fcntl.flock(file, fcntl.LOCK_UN)

    @property
    def done(self) -> bool:
        """Whether the run ended and its result is complete."""
        return (self.path / "DONE").exists() and (self.path / "metrics.json").exists()

    @property
    def partial(self) -> bool:
        """Whether there is a completed pass to go on from."""
        return self.last.exists() and not self.done

    def clear(self) -> None:
        """Throw everything away but the lock that is being held."""
        for child in self.path.iterdir():
            if child.name == "LOCK":
                continue
            if child.is_dir():
                shutil.rmtree(child)
            else:
                child.unlink()

    def begin(self) -> None:
        """A new attempt: an earlier failure is no longer the state of things."""
        (self.path / "FAILED").unlink(missing_ok=True)

    def mark_done(self) -> None:
        """The very last thing a run does."""
        (self.path / "FAILED").unlink(missing_ok=True)
        (self.path / "DONE").touch()

    def mark_failed(self, reason: str) -> None:
        """Keep the reason for whoever looks here next; the first is kept, what follows is its consequence."""
        with suppress(FileExistsError), (self.path / "FAILED").open("x") as file:
            file.write(reason + "\n")

    def read_json(self, name: str) -> dict[str, Any] | None:
        """A JSON file of the run, or None if there is none."""
        path = self.path / name
        return json.loads(path.read_text()) if path.exists() else None

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write a JSON file whole or not at all."""
        write_json(self.path / name, content)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write `content` so that a reader never sees half of it; NaN is refused, as JSON has none."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")
    os.replace(temporary, path)
