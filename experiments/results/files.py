"""Small files of JSON, whole or not at all, and what they hold checked when they are read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from datamodules.errors import DataError
from datamodules.whole_files import regular, write_whole

T = TypeVar("T")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` so that a reader never sees half of it; NaN is refused, as JSON has none."""
    write_whole(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: Path, kind: type[T], remedy: str) -> T:
    """What a file holds, as a `kind`. Raises DataError with the remedy where it is gone, damaged, or something else."""
    try:
        return TypeAdapter(kind).validate_json(regular(path).read_bytes())
    except (OSError, ValueError) as error:  # pydantic's faults are ValueErrors
        raise DataError(f"{path}: is missing or cannot be read; {remedy}.") from error
