"""A table as Markdown: what it is of, its numbers, what they say, and how to make it again."""

from collections.abc import Sequence

from experiments.report.analysis import Analysis
from experiments.report.concordance import SUBSETS
from experiments.report.sheet import Sheet, claims_sheet, comparisons_sheet, distance_sheet, main_sheet, title
from experiments.report.speakers import DRAWS, ENOUGH

LEGEND = (
    "Cells: mean of the papers' values ({trials} trainings x {parts} fixed parts of the test set) ± standard deviation "
    "of the trainings on the whole set. Bold: the best of a column."
)
TESTS = (
    "The papers' test is Welch's two-tailed t-test of those values, significant if p < .05; the parts share their "
    "training, so it finds differences more often than it should. Sound is what holds for other trainings (Welch's "
    "test with the training as the unit, Holm's correction over all comparisons here) and for other speakers "
    "({draws:,} paired bootstrap draws of the test speakers, likewise corrected, where there are {enough} or more)."
)


def markdown(analysis: Analysis, command: str) -> str:
    """The whole document."""
    table = analysis.table
    parts = [
        f"# {analysis.asked.name}: {title(analysis)}",
        _made_of(analysis),
        _lines(main_sheet(analysis)),
        _legend(analysis),
    ]
    if analysis.shows_published and (sheet := distance_sheet(analysis)).rows:
        parts += ["## Published and ours", _lines(sheet)]
        if not analysis.judged:
            parts.append(
                "No verdict: the published numbers are of another version, or come from the released programs, which "
                "these runs do not follow."
            )
    if table.claims:
        parts += ["## Claims" if table.corpus else "## What is asked", _lines(claims_sheet(analysis))]
    if analysis.comparisons:
        parts += ["## Comparisons", _lines(comparisons_sheet(analysis)), TESTS.format(draws=DRAWS, enough=ENOUGH)]
    if table.notes:
        parts += ["## Notes", "\n".join(f"- {note}" for note in table.notes)]
    parts += ["## Again", f"    {command}", "`runs.csv` lists the runs, `values.csv` every number by itself."]
    return "\n\n".join(parts) + "\n"


def _made_of(analysis: Analysis) -> str:
    """Source, data, fidelity, rounds and trials in a paragraph."""
    table, scale = analysis.table, analysis.scale
    rounds = scale.rounds.get(table.rounds, table.rounds)
    papers = "" if rounds == table.rounds else f" (the paper's: {table.rounds})"
    sentences = [f"After: {table.source}." if table.corpus else "A control that no paper shows."]
    for corpus in analysis.corpora:
        trained = [one.run.metrics.corpus for one in analysis.finished]
        sizes = ", ".join(sorted({f"{one['labeled']} + {one['unlabeled']}" for one in trained}))
        kind = f"{corpus['name']} {corpus['version']} ({corpus['labels']})"
        sentences.append(f"{kind}, labelled + unlabelled training sentences: {sizes}.")
    tested = {(one.tested_on, len(one.predictions.truth)) for one in analysis.finished}
    if tested:
        sentences.append(f"Test: {', '.join(f'{count} sentences of {name}' for name, count in sorted(tested))}.")
    sentences.append(f"Scale {analysis.asked.scale_name}: {scale.title}.")
    sentences.append(f"Rounds: {rounds}{papers}; trainings of every cell: {analysis.asked.trials}.")
    own = {
        row.name: row.fidelity for row in table.rows.values() if row.fidelity not in (None, *analysis.asked.fidelities)
    }
    pinned = f"; {', '.join(own)}: {' and '.join(sorted(set(map(str, own.values()))))}" if own else ""
    sentences.append(f"Fidelity: {' and '.join(analysis.asked.fidelities)}{pinned}.")
    missing = [one for one in analysis.runs if one.state != "done"]
    if missing:
        sentences.append(f"**{len(missing)} of {len(analysis.runs)} trainings are missing.**")
    return " ".join(sentences)


def _legend(analysis: Analysis) -> str:
    words = LEGEND.format(trials=analysis.asked.trials, parts=SUBSETS)
    marks = [
        f"{mark}: better than each of {_names(analysis, one.better_than)}" for mark, one in analysis.table.marks.items()
    ]
    if marks:
        words += f" {'; '.join(marks)}. A mark in brackets is earned by the papers' test alone."
    return words


def _names(analysis: Analysis, rows: Sequence[str]) -> str:
    return ", ".join(analysis.table.rows[row].name for row in rows)


def _lines(sheet: Sheet) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(one.replace("|", "\\|") for one in cells) + " |"

    rows = [
        [f"**{text}**" if (number, place) in sheet.best else text for place, text in enumerate(row)]
        for number, row in enumerate(sheet.rows)
    ]
    return "\n".join([line(sheet.header), "|" + "---|" * len(sheet.header), *map(line, rows)])
