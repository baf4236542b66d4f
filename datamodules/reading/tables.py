"""Tables of words with commas between them, whatever lies in their place."""

import warnings
from pathlib import Path
from typing import Any

import pandas as pd

from datamodules.errors import DataError
from datamodules.whole_files import regular

MOST_BYTES = 2**30  # a label table of a million rows has a tenth of it
LONGEST_HEADER = 2**18  # bytes; a reader of a million columns takes minutes and gigabytes


def read_table(path: Path, remedy: str, **options: Any) -> pd.DataFrame:
    """All cells as text. Raises DataError with the remedy for what is no table, and for what would not end."""
    size = regular(path).stat().st_size
    if size > MOST_BYTES:
        raise DataError(f"{path}: has {size} bytes, more than any label table; {remedy}.")
    try:
        with path.open("rb") as file:
            header = file.readline(LONGEST_HEADER + 1)
        if len(header) > LONGEST_HEADER:
            raise DataError(
                f"{path}: its first line has more than {LONGEST_HEADER} bytes, and names no columns; {remedy}."
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pd.errors.ParserWarning)  # cells beyond the header's are nobody's
            return pd.read_csv(path, dtype=str, **options)
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{path}: the label table is empty; {remedy}.") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); give this user the right to read it.") from error
    except ValueError as error:  # pandas' ParserError and UnicodeDecodeError are
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise DataError(f"{path}: cannot be read as a comma-separated table ({reason}); {remedy}.") from error
