"""The programs, a file each at the top, and the rooms they are made of."""

import os
import sys
from pathlib import Path
from types import TracebackType

from datamodules.errors import is_out_of_memory

CONF = Path(__file__).resolve().parents[1] / "conf"

_shown_before = sys.excepthook


def _shown(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Ctrl-C, or no room for a library, while a program is imported, before console/user_errors.py speaks for it."""
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted; nothing was begun.", file=sys.stderr)
    elif issubclass(kind, MemoryError | ImportError | OSError) and is_out_of_memory(error):
        print("error: there is too little memory to begin; allow more by ulimit -v.", file=sys.stderr, flush=True)
        os._exit(2)
    else:
        _shown_before(kind, error, trace)


sys.excepthook = _shown
