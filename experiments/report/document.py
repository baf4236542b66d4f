"""A table as a document, before it is Markdown or a page: its numbers, what they say, and how to make it again."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from datamodules.errors import DataError
from datamodules.whole_files import regular
from experiments.report.analysis import JUDGED, Analysis
from experiments.report.concordance import SUBSETS
from experiments.report.confusion import CATEGORIES
from experiments.report.definition import CCC
from experiments.report.provenance import made_of
from experiments.report.sheet import (
    Sheet,
    claims_sheet,
    comparisons_sheet,
    distance_sheet,
    heading,
    main_sheet,
    speakers_sheet,
    title,
)
from experiments.report.speakers import DRAWS, ENOUGH

LEGEND = (
    "Cells: mean of the papers' values ({trials} trainings x {parts} fixed parts of the test set) ± standard deviation "
    "of the trainings on the whole set (whose mean it is where a part's CCC is not defined). Bold: a column's best."
)
# By whether a trial is a fold.
UNITS = {
    False: "Welch's test with the training as the unit",
    True: "the paired t-test of trainings on the same fold",
}
OF_CATEGORIES = (
    "Cells: mean ± standard deviation over {trials} trainings, each on its whole test set. Bold: a column's best."
)
TESTS = (
    "The papers' test is Welch's two-tailed t-test of those values, significant if p < .05; the parts share their "
    "training, so it finds differences more often than it should. Sound is what holds for other trainings ({unit}, "
    "Holm's correction over all comparisons here) and for other speakers "
    "({draws:,} paired bootstrap draws of the test speakers, likewise corrected, where {enough} or more are known). "
    "Trends and gains are tested by the trainings alone."
)
NO_VERDICT = (
    "No verdict: these runs are not the experiment behind the published numbers (another version, other "
    "options, or the papers' words where the released program made the numbers)."
)


@dataclass(frozen=True)
class Section:
    """A heading, a sheet, and a word on it."""

    title: str
    sheet: Sheet
    text: str = ""


@dataclass(frozen=True)
class Measured:
    """A column's numbers, for a figure: of each row its trainings', None where undefined, and the published one."""

    title: str
    rows: Sequence[tuple[str, Sequence[float | None], float | None]]


@dataclass(frozen=True)
class Document:
    """Words, in the order in which they are read."""

    name: str
    title: str
    facts: Sequence[str]
    """Source, data, fidelity, rounds, trials and machines."""
    sections: Sequence[Section]
    """The first has no heading and is the table itself."""
    notes: Sequence[str]
    command: str
    """What makes it again."""
    measured: Sequence[Measured] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        data = asdict(self)
        for section in data["sections"]:
            section["sheet"]["best"] = sorted(section["sheet"]["best"])
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Document":
        """What `to_dict` gave. Raises DataError for anything else."""
        try:
            sections = [
                Section(
                    one["title"],
                    Sheet(one["sheet"]["header"], one["sheet"]["rows"], {tuple(at) for at in one["sheet"]["best"]}),
                    one["text"],
                )
                for one in data["sections"]
            ]
            measured = [Measured(one["title"], [tuple(row) for row in one["rows"]]) for one in data["measured"]]
            return cls(**{**data, "sections": sections, "measured": measured})
        except (KeyError, TypeError, ValueError) as error:
            raise DataError("it is no table's document; make the table again.") from error


def document_of(analysis: Analysis, command: str) -> Document:
    """The whole of it."""
    table = analysis.table
    sections = [Section("", main_sheet(analysis), _legend(analysis))]
    if analysis.shows_published and (sheet := distance_sheet(analysis)).rows:
        sections.append(Section("Published and ours", sheet, "" if analysis.judged else NO_VERDICT))
    if table.claims:
        sections.append(Section("Claims" if table.corpus else "What is asked", claims_sheet(analysis)))
    if analysis.comparisons:
        words = TESTS.format(unit=UNITS[analysis.scale.paired], draws=DRAWS, enough=ENOUGH)
        sections.append(Section("Comparisons", comparisons_sheet(analysis), words))
    if (sheet := speakers_sheet(analysis)).rows:
        sections.append(Section("With other speakers", sheet))
    return Document(
        analysis.asked.name, title(analysis), made_of(analysis), sections, table.notes, command, _measured(analysis)
    )


def _measured(analysis: Analysis) -> list[Measured]:
    """Every column of scores."""
    found = []
    for column in analysis.columns:
        if column.measure not in JUDGED:
            continue
        rows = []
        for key, row in analysis.table.rows.items():
            trials = analysis.values(key, column).trials
            shown = analysis.shows_published and column.measure == analysis.table.headline_of(column.attribute)
            published = analysis.table.published(key, column.attribute) if shown else None
            if trials:
                rows.append((row.name, [None if math.isnan(one) else float(one) for one in trials], published))
        if rows:
            # Cells are means over the papers' parts of the test set; a training's dot is its score on the whole.
            whole = "CCC of the whole test set" if column.measure == CCC else ""
            words = [heading(analysis, column) or column.measure, whole]
            found.append(Measured(", ".join(word for word in words if word), rows))
    return found


def _legend(analysis: Analysis) -> str:
    trials = analysis.asked.trials
    legend = OF_CATEGORIES if CATEGORIES in analysis.asked.attributes else LEGEND
    words = legend.format(trials=trials, parts=SUBSETS)
    marks = [
        f"{mark}: better than each of {_names(analysis, one.better_than)}" for mark, one in analysis.table.marks.items()
    ]
    if marks:
        words += f" {'; '.join(marks)}. A mark in brackets is earned by the papers' test alone."
    return words


def _names(analysis: Analysis, rows: Sequence[str]) -> str:
    return ", ".join(analysis.table.rows[row].name for row in rows)


def read_document(path: Path) -> Document:
    """A table.json. Raises DataError for one that is damaged."""
    file = regular(path)
    try:
        return Document.from_dict(json.loads(file.read_text()))
    except (OSError, ValueError, DataError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read; make the table again, or remove it.") from error
