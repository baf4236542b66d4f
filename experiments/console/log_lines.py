"""Log lines on the console and in run.log."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from datamodules.whole_files import regular

OURS = ("datamodules", "sermodels", "callbacks", "experiments")


class _Console(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to whatever sys.stderr is now, so that lines appear above a live progress bar, not through it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """A terminal that takes no lines any more, as one that was closed, can be told nothing of it."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


class _File(logging.FileHandler):
    """A log whose disk takes no more of it ends no work: the console says so, once."""

    told = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """A fault of ours is shown, as ever."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self.told:
            self.told = True
            with suppress(OSError):
                print(f"warning: {self.baseFilename}: {error.strerror}; lines of it are lost.", file=sys.stderr)


def log_to_console() -> None:
    """Lines of ours from INFO on; of the libraries from WARNING on."""
    root = logging.getLogger()
    if not any(isinstance(handler, _Console) for handler in root.handlers):
        handler = _Console()
        handler.setFormatter(logging.Formatter("%(message)s"))
        root.addHandler(handler)
    # Of several processes that train together the first speaks for all, as long as nothing is wrong.
    level = logging.INFO if os.environ.get("RANK", "0") == "0" else logging.ERROR
    for name in OURS:
        logging.getLogger(name).setLevel(level)


def quiet_lightning() -> None:
    """Warnings and advice of Lightning's that do not apply here."""
    # Lightning sets its own level and handler when it is imported, so it must be before it is told to be quiet.
    import pytorch_lightning  # noqa: F401

    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # Advice that does not apply: gathering is too cheap for workers, and resuming in mid-epoch never happens.
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*Checkpoint directory .* exists and is not empty.*")
    warnings.filterwarnings("ignore", message=".*LeafSpec.*")
    # A frozen encoder is meant to be.
    warnings.filterwarnings("ignore", message=".*in eval mode at the start of training.*")
    # Every process logs the same values, those of the whole batch or set.
    warnings.filterwarnings("ignore", message=".*sync_dist=True.*")


@contextmanager
def log_to_file(path: Path) -> Iterator[None]:
    """Also append everything to `path`, with times."""
    handler = _File(regular(path))
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        with suppress(OSError):  # of lines that were told to be lost
            handler.close()
