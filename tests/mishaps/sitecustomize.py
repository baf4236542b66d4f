"""Makes this folder's modules part of `callbacks` in the processes that a test starts: no other place may be named."""

from pathlib import Path

import callbacks

callbacks.__path__.append(str(Path(__file__).parent))
