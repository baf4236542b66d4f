"""Tables of words with commas between them, and lists, whatever lies in their place."""

import csv
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from datamodules.errors import DataError
from datamodules.whole_files import regular

MOST_BYTES = 2**28  # a label table of a million rows has a third of it
MOST_CELLS = 4096  # of a row; pandas takes minutes and gigabytes for a million, be they in one row alone


def read_table(path: Path, remedy: str, **options: Any) -> pd.DataFrame:
    """All cells as text. Raises DataError with the remedy for what is no table, and for what would not end."""
    try:
        refuse_long_rows(path, remedy, options.get("encoding"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pd.errors.ParserWarning)  # cells beyond the header's are nobody's
            return pd.read_csv(path, dtype=str, **options)
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{path}: the label table is empty; {remedy}.") from error
    except OSError as error:
        raise _at(path, error) from error
    except (ValueError, csv.Error) as error:  # pandas' ParserError and UnicodeDecodeError are ValueErrors
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise DataError(f"{path}: cannot be read as a comma-separated table ({reason}); {remedy}.") from error


def refuse_long_rows(path: Path, remedy: str, encoding: str | None = None) -> None:
    """Raise DataError with the remedy for what would not be read in seconds; csv.Error for what is no table."""
    for number, row in enumerate(_rows(path, remedy, encoding), start=1):
        if len(row) > MOST_CELLS:
            raise DataError(f"{path}: its row {number} has {len(row)} cells, more than any such table; {remedy}.")


def columns_of(path: Path, remedy: str, encoding: str) -> list[str]:
    """A table's columns as its first row names them; pandas gives the second of two columns of one name another."""
    return [name.strip() for name in next(_rows(path, remedy, encoding), [])]


def lines_of(path: Path, remedy: str, encoding: str = "utf-8") -> list[str]:
    """The lines of a list; what is no text in it is replaced. Raises DataError with the remedy for what has no end."""
    try:
        return _bounded(path, remedy).read_text(encoding, errors="replace").splitlines()
    except OSError as error:
        raise _at(path, error) from error


def _rows(path: Path, remedy: str, encoding: str | None) -> Iterator[list[str]]:
    """The cells of every row; like pandas, rows of nothing but blanks are none."""
    with _bounded(path, remedy).open(encoding=encoding or "utf-8", newline="") as file:
        yield from (row for row in csv.reader(file) if len(row) > 1 or "".join(row).strip())


def _bounded(path: Path, remedy: str) -> Path:
    size = regular(path).stat().st_size
    if size > MOST_BYTES:
        raise DataError(f"{path}: has {size} bytes, more than any such table; {remedy}.")
    return path


def _at(path: Path, error: OSError) -> OSError:
    """While a file is read the system does not say which; the program's end says what to do (user_errors)."""
    return OSError(error.errno, error.strerror, str(path))
