"""A table as words in rows and columns, before it is Markdown, LaTeX, or on a screen."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from experiments.report.analysis import JUDGED, Analysis
from experiments.report.comparison import Column, Comparison, Values
from experiments.report.confusion import CATEGORIES
from experiments.report.definition import CCC
from experiments.report.verdicts import CANNOT_BE_TOLD, HELD, NOT_HELD, distance

# What a measure is called above a column; a CCC needs no word.
MEASURES = {
    CCC: "",
    "development_ccc": "development",
    "best_round": "best round",
    "uar": "UAR",
    "f1_macro": "F1, macro",
    "f1_weighted": "F1, weighted",
}
# Of other corpora than the paper's a claim has no verdict; what is seen is told.
SEEN = {HELD: "so here", NOT_HELD: "not so here", CANNOT_BE_TOLD: "cannot be told here"}


@dataclass(frozen=True)
class Sheet:
    """Words; a first column of names, and the places of the best."""

    header: list[str]
    rows: list[list[str]]
    best: set[tuple[int, int]]
    """Row and column of each cell that is the best of its column."""


def title(analysis: Analysis) -> str:
    """What the table is of, and by which fidelity; and, where it is not the paper's experiment, that it is not."""
    table, asked = analysis.table, analysis.asked
    corpora = " and ".join(f"{one['name']} {one['version']}, {one['labels']}" for one in analysis.corpora)
    pinned = "".join(f"; {', '.join(names)}: {fidelity}" for fidelity, names in _by_fidelity(asked.pinned).items())
    on = " On" if table.title.endswith("?") else ", on"
    words = f"{table.title}{on} {corpora or 'no finished training'}, fidelity {' and '.join(asked.fidelities)}{pinned}"
    if asked.changed:
        words += f", with {' '.join(asked.changed)}"
    if table.corpus is None or analysis.judged or not analysis.corpora:
        return words
    if not (analysis.shows_published and analysis.is_papers_version):
        return (
            f"{words} – not the paper's {table.corpus} {table.version} (scale {asked.scale_name}), so without a verdict"
        )
    return f"{words} – not the experiment behind the published numbers, so without a verdict"


def _by_fidelity(pinned: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, fidelity in pinned.items():
        found.setdefault(fidelity, []).append(name)
    return found


def main_sheet(analysis: Analysis) -> Sheet:
    """Rows by columns, each cell the mean and the deviation over the trials, with the marks it earns."""
    table = analysis.table
    header = [""]
    columns: list[Column | str] = []  # a word is the attribute whose published values stand there
    for attribute in analysis.asked.attributes:
        if analysis.shows_published and any(row.published for row in table.rows.values()):
            header.append(f"{attribute}, published")
            columns.append(attribute)
        for column in analysis.columns:
            if column.attribute == attribute:
                header.append(heading(analysis, column))
                columns.append(column)
    rows, best = [], set[tuple[int, int]]()
    for key, row in table.rows.items():
        cells = [
            _published(analysis, key, one) if isinstance(one, str) else cell(analysis, key, one) for one in columns
        ]
        rows.append([row.name, *cells])
    for place, shown in enumerate(columns, start=1):
        if isinstance(shown, Column) and shown.measure in (*JUDGED, "development_ccc"):
            means = [analysis.values(key, shown).papers_mean for key in table.rows]
            highest = max((mean for mean in means if not math.isnan(mean)), default=math.nan)
            best |= {(line, place) for line, mean in enumerate(means) if mean == highest}
    return Sheet(header, rows, best)


def cell(analysis: Analysis, row: str, column: Column) -> str:
    """Mean ± deviation over the trials, the marks, and how many trials there are where some lack."""
    values = analysis.values(row, column)
    if not values.trials:
        return "–"
    if math.isnan(values.papers_mean):
        return "not defined" if column.measure == CCC else ""
    text, earned = _number(column.measure, values), marks_words(analysis, row, column)
    lacking = f" (n = {len(values.trials)})" if len(values.trials) < analysis.asked.trials else ""
    return f"{text} {earned}".rstrip() + lacking


def marks_words(analysis: Analysis, row: str, column: Column) -> str:
    """The marks that a row earns, in brackets where the papers' test alone gives them."""
    marks = analysis.marks(row, column)
    return "".join(mark if how == "sound" else f"({mark})" for mark, how in marks.items())


def distance_sheet(analysis: Analysis) -> Sheet:
    """Every published CCC beside ours."""
    header = ["", "attribute", "fidelity", "published", "its marks", "ours", "our marks", "difference", "verdict"]
    rows = []
    for key, row in analysis.table.rows.items():
        for column in analysis.columns:
            published = analysis.table.published(key, column.attribute)
            values = analysis.values(key, column)
            headline = analysis.table.headline_of(column.attribute)
            if published is None or column.measure != headline or not values.trials:
                continue
            away, verdict = distance(published, values)
            judged = analysis.judged and column.fidelity == analysis.asked.fidelities[0]
            rows.append(
                [
                    row.name,
                    column.attribute,
                    row.fidelity or column.fidelity,
                    ccc_words(published),
                    analysis.table.published_marks(key, column.attribute),
                    ccc_words(values.papers_mean),
                    marks_words(analysis, key, column),
                    signed(away),
                    verdict if judged else "–",
                ]
            )
    return Sheet(header, rows, set())


def speakers_sheet(analysis: Analysis) -> Sheet:
    """Scores of categories with the speakers of the test set drawn anew; folds' sentences are one test set."""
    header = ["", "of", "all sentences", "with other speakers, 95 %", "speakers", "chance"]
    rows = []
    for key, row in analysis.table.rows.items():
        for column in analysis.columns:
            found = analysis.other_speakers(key, column) if column.measure in ("accuracy", "uar") else None
            if found is None:
                continue
            values = analysis.values(key, column)
            counts = np.sum([np.sum(list(one.by_speaker().values()), axis=0) for one in values.predictions], axis=0)
            true = counts.reshape(round(len(counts) ** 0.5), -1).sum(1)
            chance = true.max() / true.sum() if column.measure == "accuracy" else 1 / (true > 0).sum()
            whole = ccc_words(float(values.predictions[0].of_sums(counts)))
            between = f"{ccc_words(found.low)} to {ccc_words(found.high)}" if found.speakers > 1 else "–"
            rows.append([row.name, heading(analysis, column), whole, between, str(found.speakers), ccc_words(chance)])
    return Sheet(header, rows, set())


def claims_sheet(analysis: Analysis) -> Sheet:
    """Every claim, its verdict, and the numbers behind it."""
    words = {} if analysis.judged or analysis.table.corpus is None else SEEN
    rows = []
    for one in analysis.verdicts:
        of = f" (of {one.of} alone)" if one.of else ""
        rows.append([one.text, words.get(one.verdict, one.verdict) + of, one.detail])
    return Sheet(["claim", "verdict", "by these numbers"], rows, set())


def comparisons_sheet(analysis: Analysis) -> Sheet:
    """Every comparison, by the papers' test and by the sound ones."""
    header = [
        "",
        "against",
        "of",
        "difference",
        "papers' p",
        "trials' p",
        "Holm",
        "speakers, 95 %",
        "papers' test",
        "sound",
    ]
    header.append("why they differ")
    names = {key: row.name for key, row in analysis.table.rows.items()}
    rows = [
        [
            names[one.row],
            names[one.other],
            heading(analysis, one.column),
            signed(one.difference),
            _p(one.p_papers),
            _p(one.p_trials),
            _p(one.p_trials_holm),
            _interval(one),
            one.papers,
            one.sound,
            one.why,
        ]
        for one in analysis.comparisons
    ]
    return Sheet(header, rows, set())


def ccc_words(value: float) -> str:
    """As the papers print it.

    >>> ccc_words(0.5463), ccc_words(-0.02)
    ('.5463', '-.0200')
    """
    # Adding 0 makes a zero of a negative one.
    return "not defined" if math.isnan(value) else f"{round(value, 4) + 0.0:.4f}".replace("0.", ".", 1)


def signed(value: float) -> str:
    """A difference of CCCs.

    >>> signed(0.0031)
    '+.0031'
    """
    return "–" if math.isnan(value) else f"{value:+.4f}".replace("0.", ".", 1)


def _number(measure: str, values: Values) -> str:
    if measure == "best_round":
        return " ".join(f"{value:.0f}" for value in values.trials)
    deviation = "" if math.isnan(values.deviation) else f" ± {values.deviation:.3f}".replace("0.", ".", 1)
    return ccc_words(values.papers_mean) + deviation


def heading(analysis: Analysis, column: Column) -> str:
    """What stands above a column; nothing where a table has one measure of one attribute."""
    fidelity = column.fidelity if len(analysis.asked.fidelities) > 1 else ""
    measure = MEASURES.get(column.measure, column.measure)
    of = "" if column.attribute == CATEGORIES and measure else column.attribute
    words = (of, fidelity, measure)
    return ", ".join(word for word in words if word)


def _published(analysis: Analysis, row: str, attribute: str) -> str:
    value = analysis.table.published(row, attribute)
    if value is None:
        return "–"
    return f"{ccc_words(value)} {analysis.table.published_marks(row, attribute)}".rstrip()


def _p(value: float) -> str:
    return "–" if math.isnan(value) else "< .001" if value < 0.001 else f"{value:.3f}".replace("0.", ".", 1)


def _interval(one: Comparison) -> str:
    if one.speakers is None or math.isnan(one.speakers.low):
        return "–"
    few = "" if one.speakers.enough else f" (only {one.speakers.speakers} speakers)"
    return f"{one.speakers.low:+.3f} to {one.speakers.high:+.3f}{few}"
