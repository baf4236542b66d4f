"""A CSV file that grows by a row a pass and is cut back when a run resumes."""

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datamodules.errors import DataError
from datamodules.whole_files import about, regular, whole_file


class CsvTable:
    """Rows keyed by their `pass` column. Lightning's CSVLogger deletes its file on resume; this one goes on."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        if "pass" not in columns:
            raise ValueError(f"{path}: a table of passes needs the column 'pass', not only {list(columns)}")
        self.path = path
        self.columns = list(columns)

    def cut_back(self, next_pass: int) -> None:
        """Keep the rows of the passes before `next_pass` and drop the rest, a torn last line included.

        Raises DataError for a file that is no table.
        """
        kept = [row for row in self._rows() if (number := _pass_of(row)) is not None and number < next_pass]
        with whole_file(self.path) as draft, draft.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(kept)

    def _rows(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        try:
            with regular(self.path).open(newline="") as file:
                return list(csv.DictReader(file))
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(
                f"{self.path}: cannot be read as a table ({error}); put a copy of it there, or remove it: the run goes "
                "on all the same, and lacks the rows of its earlier passes."
            ) from error

    def append(self, row: Mapping[str, Any]) -> None:
        """Add one row; columns without a value stay empty."""
        with about(self.path), self.path.open("a", newline="") as file:
            csv.DictWriter(file, self.columns).writerow(dict(row))


def _pass_of(row: Mapping[str, Any]) -> int | None:
    """The pass of a row, or None if the row is torn."""
    value = row.get("pass")
    if None in row.values() or value is None or not re.fullmatch("[0-9]{1,12}", str(value)):
        return None
    return int(value)
