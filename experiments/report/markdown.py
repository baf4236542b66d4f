"""A table's document as Markdown."""

import re
from collections.abc import Sequence

from experiments.report.document import Document
from experiments.report.sheet import Sheet


def markdown(document: Document) -> str:
    """The whole of it."""
    parts = [f"# {document.name}: {document.title}", "\n".join(f"- {fact}" for fact in document.facts)]
    for section in document.sections:
        words = [f"## {section.title}" if section.title else "", _lines(section.sheet), section.text]
        parts += [one for one in words if one]
    if document.notes:
        parts += ["## Notes", "\n".join(f"- {note}" for note in document.notes)]
    parts += ["## Again", f"    {document.command}", "`runs.csv` lists the runs, `values.csv` every number by itself."]
    return "\n\n".join(parts) + "\n"


def _lines(sheet: Sheet) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(one.replace("|", "\\|") for one in cells) + " |"

    rows = [
        [_bold(text) if (number, place) in sheet.best else _plain(text) for place, text in enumerate(row)]
        for number, row in enumerate(sheet.rows)
    ]
    return "\n".join([line(sheet.header), "|" + "---|" * len(sheet.header), *map(line, rows)])


def _plain(text: str) -> str:
    """A star is a mark here, and no emphasis."""
    return text.replace("*", "\\*")


def _bold(text: str) -> str:
    """The number in bold, and not the marks behind it.

    >>> _bold(".5722 ± .010 *†")
    '**.5722 ± .010** \\\\*†'
    """
    number, marks = re.fullmatch(r"(\S+(?: ± \S+)?)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    return f"**{number}**{_plain(marks)}"
