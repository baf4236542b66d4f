"""The programs, a file each at the top, and the rooms they are made of."""

import sys
from pathlib import Path
from types import TracebackType

CONF = Path(__file__).resolve().parents[1] / "conf"

_shown_before = sys.excepthook


def _shown(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Ctrl-C while a program is still being imported, before console/user_errors.py can speak for it."""
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted; nothing was begun.", file=sys.stderr)
    else:
        _shown_before(kind, error, trace)


sys.excepthook = _shown
