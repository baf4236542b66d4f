"""Where numba, which librosa is compiled by, keeps what it has compiled."""

import os
import tempfile
from pathlib import Path


def find_room_for_compiled_code() -> None:
    """Give numba a folder where it has none: without a home it would refuse to be imported. Before librosa is."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    if "NUMBA_CACHE_DIR" not in os.environ and not os.access(there, os.W_OK | os.X_OK):
        os.environ["NUMBA_CACHE_DIR"] = str(Path(tempfile.gettempdir()) / f"numba-of-user-{os.getuid()}")


find_room_for_compiled_code()
