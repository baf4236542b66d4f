"""The figures of a table that was made."""

import re
from pathlib import Path

from experiments.drawing.bars import draw_bars
from experiments.drawing.provenance import sign
from experiments.drawing.style import save
from experiments.report.document import read_document

FILE = "table.json"


def draw_table(folder: Path, target: Path) -> list[Path]:
    """One a column, named after it. folder: of the table. Raises DataError where its document is damaged."""
    document = read_document(folder / FILE)
    tested = [fact for fact in document.facts if fact.startswith(("Test: ", "Rounds: "))]
    signed = "\n".join([f"{document.name}: {document.title}", *tested])
    written = []
    for one in document.measured:
        drawn = draw_bars(one)
        sign(drawn, signed)
        written += save(drawn, target / re.sub(r"[^\w.-]+", "-", one.title))
    return written
