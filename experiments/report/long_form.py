"""A table's numbers one a line, and the list of its runs, as CSV."""

from pathlib import Path

import pandas as pd

from datamodules.whole_files import write_whole
from experiments.report.analysis import Analysis
from experiments.report.confusion import CATEGORIES, CATEGORY_MEASURES
from experiments.report.definition import CCC
from experiments.report.measures import Finished

OF_CORPUS = {"corpus": "name", "version": "version", "labels": "labels"}
"""What every line says of the corpus: its name in these tables, and in metrics.json."""


def values_table(analysis: Analysis) -> pd.DataFrame:
    """A row a number: of a trial, and of each of the papers' parts of its test set (`part` is empty for the whole)."""
    lines = []
    for one in analysis.finished:
        cell, corpus = one.made.cell, one.run.metrics.corpus
        known = {
            "table": analysis.asked.name,
            "scale": analysis.asked.scale_name,
            "row": cell.row,
            "name": analysis.table.rows[cell.row].name,
            "column": cell.column,
            "fidelity": cell.fidelity,
            "attribute": cell.attribute,
            "trial": cell.trial,
            "run": one.run.path.name,
            **{name: corpus[key] for name, key in OF_CORPUS.items()},
            "test_set": one.tested_on,
        }
        measures = analysis.table.measures_of(cell.attribute)
        numbers: list[tuple[str, int | None, float]] = [(measure, None, one.value(measure)) for measure in measures]
        parts = one.predictions.measured(CCC).of_parts if CCC in measures else []
        numbers += [(CCC, part, value) for part, value in enumerate(parts)]
        lines += [{**known, "measure": measure, "part": part, "value": value} for measure, part, value in numbers]
    columns = ["table", "scale", "row", "name", "column", "fidelity", "attribute", "measure", "trial", "part", "value"]
    columns += ["run", *OF_CORPUS, "test_set"]
    return pd.DataFrame(lines, columns=columns).astype({"part": "Int64"})


def comparisons_table(analysis: Analysis) -> pd.DataFrame:
    """A row a comparison, with every p and both verdicts."""
    columns = ["row", "other", "fidelity", "attribute", "measure", "difference", "papers_difference", "p_papers"]
    columns += ["p_trials", "p_trials_holm", "speakers", "speakers_low", "speakers_high", "p_speakers"]
    columns += ["p_speakers_holm", "papers", "sound", "why", *OF_CORPUS]
    lines = []
    for one in analysis.comparisons:
        of_speakers = one.speakers
        if of_speakers is not None:
            interval = {
                "speakers": of_speakers.speakers,
                "speakers_low": of_speakers.low,
                "speakers_high": of_speakers.high,
                "p_speakers": of_speakers.p,
            }
        else:
            interval = {}
        told = {"papers": one.papers, "sound": one.sound, "why": one.why}
        corpus = analysis.corpora[0] if analysis.corpora else {}
        of_corpus = {name: corpus.get(key) for name, key in OF_CORPUS.items()}
        lines.append({**vars(one), **vars(one.column), **of_corpus, **interval, **told})
    return pd.DataFrame(lines, columns=columns)


def runs_table(analysis: Analysis) -> pd.DataFrame:
    """A row a training, finished or not: its directory, corpus, seed, commit, best round, development and test."""
    finished = {(one.made.cell, one.run.path): one for one in analysis.finished}
    lines = []
    for made in analysis.runs:
        cell = made.cell
        known = {
            "row": cell.row,
            "name": analysis.table.rows[cell.row].name,
            "column": cell.column,
            "fidelity": cell.fidelity,
            "attribute": cell.attribute,
            "trial": cell.trial,
        }
        state = {"state": made.state, "run": made.run.path.name if made.run else None}
        one = finished.get((cell, made.run.path)) if made.run else None
        reason = {"reason": made.run.failed if made.run and not one else None}
        lines.append(
            {**known, **state, **(_facts(one) if one else {}), **reason, "overrides": " ".join(cell.overrides)}
        )
    return pd.DataFrame(lines)


def _facts(one: Finished) -> dict[str, object]:
    metrics, environment = one.run.metrics, one.run.environment
    return {
        "seed": metrics.seed,
        **{name: metrics.corpus[key] for name, key in OF_CORPUS.items()},
        "labeled": metrics.corpus["labeled"],
        "unlabeled": metrics.corpus["unlabeled"],
        "best_round": int(one.value("best_round")),
        "development_ccc": one.value("development_ccc"),
        **{
            f"test_{measure}": one.value(measure)
            for measure in (CATEGORY_MEASURES if one.made.cell.attribute == CATEGORIES else (CCC,))
        },
        "seconds": environment["seconds"],
        "commit": environment["commit"],
    }


def write_csv(analysis: Analysis, directory: Path) -> None:
    """values.csv, comparisons.csv and runs.csv, every digit kept."""
    tables = {"values": values_table, "comparisons": comparisons_table, "runs": runs_table}
    for name, make in tables.items():
        write_whole(directory / f"{name}.csv", make(analysis).to_csv(index=False))
