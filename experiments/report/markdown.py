"""A table as Markdown: what it is of, its numbers, what they say, and how to make it again."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.report.analysis import Analysis
from experiments.report.concordance import SUBSETS
from experiments.report.confusion import CATEGORIES
from experiments.report.sheet import (
    Sheet,
    claims_sheet,
    comparisons_sheet,
    distance_sheet,
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
                "No verdict: these runs are not the experiment behind the published numbers (another version, other "
                "options, or the papers' words where the released program made the numbers)."
            )
    if table.claims:
        parts += ["## Claims" if table.corpus else "## What is asked", _lines(claims_sheet(analysis))]
    if analysis.comparisons:
        parts += [
            "## Comparisons",
            _lines(comparisons_sheet(analysis)),
            TESTS.format(unit=UNITS[analysis.scale.paired], draws=DRAWS, enough=ENOUGH),
        ]
    if (sheet := speakers_sheet(analysis)).rows:
        parts += ["## With other speakers", _lines(sheet)]
    if table.notes:
        parts += ["## Notes", "\n".join(f"- {note}" for note in table.notes)]
    parts += ["## Again", f"    {command}", "`runs.csv` lists the runs, `values.csv` every number by itself."]
    return "\n\n".join(parts) + "\n"


def _made_of(analysis: Analysis) -> str:
    """Source, data, fidelity, rounds, trials and machines, a line each."""
    table, scale = analysis.table, analysis.scale
    rounds = scale.of(scale.rounds, table.rounds)
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
    papers_sizes = sorted({size for size in (table.unlabeled, *(row.unlabeled for row in table.rows.values())) if size})
    stands_for = [f"{scale.of(scale.unlabeled_sizes, size):,} for {size:,}" for size in papers_sizes]
    if scale.unlabeled_sizes and stands_for:
        sentences.append(f"Unlabelled sentences here for those of the paper: {', '.join(stands_for)}.")
    sentences += _trained_on(analysis)
    missing = [one for one in analysis.runs if one.state != "done"]
    if missing:
        sentences.append(f"**{len(missing)} of {len(analysis.runs)} trainings are missing.**")
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _trained_on(analysis: Analysis) -> list[str]:
    """Machines, commits, precision and hours of the trainings."""
    if not analysis.finished:
        return []
    runs = {one.run.path: one for one in analysis.finished}.values()  # one may fill several cells
    environments = [one.run.environment for one in runs]
    machines = sorted({f"{one['processor']} ({', '.join(one['gpus']) or _cores(one)})" for one in environments})
    commits = sorted({_commit(one["commit"]) for one in environments})
    precisions = sorted({one.made.plan.trainer.precision for one in runs})
    hours = sum(one["seconds"] for one in environments) / 3600
    words = f"Trained on {' and '.join(machines)}, {' and '.join(precisions)}, {hours:.1f} h of training"
    return [f"{words}, by commit {', '.join(commits)}."]


def _commit(commit: str | None) -> str:
    """Short; `+` where files differed from it."""
    return "unknown" if commit is None else commit[:8] + "+" * commit.endswith("+")


def _cores(environment: Mapping[str, Any]) -> str:
    return f"{environment['cores']} cores"


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
