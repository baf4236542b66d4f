"""Small files of JSON, whole or not at all."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datamodules.whole_files import write_whole


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` so that a reader never sees half of it; NaN is refused, as JSON has none."""
    write_whole(path, json.dumps(content, indent=2, allow_nan=False) + "\n")
