"""The first moments of a program, while it is imported and console/user_errors.py does not speak for it yet."""

import gc
import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from datamodules.errors import is_out_of_memory

EXIT_USER_ERROR = 2
RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")
"""What Lightning reads from the environment as soon as it is imported."""

_shown_before = sys.excepthook


def begin() -> None:
    """See to the standard streams, and to what is shown of an error that nobody catches."""
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # in a locale without our signs they are shown as others
            stream.reconfigure(errors="backslashreplace")
    sys.excepthook = _shown


@contextmanager
def importing() -> Iterator[None]:
    """While libraries are imported, whose many objects are no garbage, nothing looks for any: a second less."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _open_what_is_closed() -> None:
    """Started with `>&-`, the first file that was opened would be the standard output, and hold what is printed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # Takes the lowest number that is free; children are to have it as well.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def _shown(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Ctrl-C, no room for a library, or an environment that makes no sense."""
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted; nothing was begun.", file=sys.stderr)
    elif issubclass(kind, MemoryError | ImportError | OSError) and is_out_of_memory(error):
        _end("there is too little memory to begin; allow more by ulimit -v.")
    elif issubclass(kind, ValueError) and (wrong := _no_ranks()):
        _end(f"the environment has {wrong}, no number of a process; unset it.")
    else:
        _shown_before(kind, error, trace)


def _end(sentence: str) -> None:
    print(f"error: {sentence}", file=sys.stderr, flush=True)
    os._exit(EXIT_USER_ERROR)


def _no_ranks() -> str:
    values = ((name, os.environ.get(name, "0")) for name in RANKS)
    return ", ".join(f"{name}={value[:20]!r}" for name, value in values if not re.fullmatch("-?[0-9]+", value.strip()))
