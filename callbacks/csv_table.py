"""A CSV file that grows by a row a pass and is cut back when a run resumes."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datamodules.whole_files import about, whole_file


class CsvTable:
    """Rows keyed by their `pass` column. Lightning's CSVLogger deletes its file on resume; this one goes on."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        if "pass" not in columns:
            raise ValueError(f"{path}: a table of passes needs the column 'pass', not only {list(columns)}")
        self.path = path
        self.columns = list(columns)

    def cut_back(self, next_pass: int) -> None:
        """Keep the rows of the passes before `next_pass` and drop the rest, a torn last line included."""
        rows = []
        if self.path.exists():
            with self.path.open(newline="") as file:
                rows = [row for row in csv.DictReader(file) if _pass_of(row) is not None]
        kept = [row for row in rows if (number := _pass_of(row)) is not None and number < next_pass]
        with whole_file(self.path) as draft, draft.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(kept)

    def append(self, row: Mapping[str, Any]) -> None:
        """Add one row; columns without a value stay empty."""
        with about(self.path), self.path.open("a", newline="") as file:
            csv.DictWriter(file, self.columns).writerow(dict(row))


def _pass_of(row: Mapping[str, Any]) -> int | None:
    """The pass of a row, or None if the row is torn."""
    value = row.get("pass")
    if None in row.values() or value is None or not str(value).isdigit():
        return None
    return int(value)
