"""The figures of a table that was made."""

import logging
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from datamodules.errors import DataError, UserError
from datamodules.whole_files import regular
from experiments.drawing.bars import draw_bars
from experiments.drawing.of_runs import DrawnRun, draw_together
from experiments.drawing.provenance import sign
from experiments.drawing.style import ALL_FORMATS, save
from experiments.drawing.table_rounds import draw_health, draw_learning
from experiments.report.definition import read_table, table_names
from experiments.report.document import Document, read_document
from experiments.results.run_result import RunResult

log = logging.getLogger(__name__)

FILE = "table.json"
BARS, TRANSITIONS = "bars", "transitions"
"""The first is of tables alone; the others are of runs, too."""
OF_ROUNDS = {"curves": draw_learning, "clusters": draw_health}


def table_figures(
    document: Document, folder: Path, runs: Path, names: Collection[str] = (BARS, *OF_ROUNDS)
) -> Iterator[tuple[str, Figure]]:
    """A name and a figure each, of those kinds, made of the table and of what its runs left, and signed.

    folder: the table's. runs: where its runs lie; without them there are bars alone. What cannot be drawn, as where a
    run is damaged, is told and costs no other.
    """
    told = [fact for fact in document.facts if fact.startswith(("Test: ", "Scale ", "Rounds: "))]
    signed = "\n".join([f"{document.name}: {document.title}", *told])
    if BARS in names:
        for one in document.measured:
            yield one.title, _signed(draw_bars(one), signed)
    for kind, draw in OF_ROUNDS.items():
        try:
            drawn = draw(listed_runs(folder), runs) if kind in names else None
        except UserError as error:
            log.warning("%s: %s is not drawn: %s", folder, kind, error)
            continue
        if drawn is not None:
            yield kind, _signed(drawn, signed)


def _signed(drawn: Figure, text: str) -> Figure:
    sign(drawn, text)
    return drawn


def draw_table(
    folder: Path,
    target: Path,
    runs: Path,
    names: Collection[str],
    root: str | None = None,
    settings: Sequence[str] = (),
) -> list[Path]:
    """Those figures of a table that are asked for; what cannot be drawn is told and costs no other.

    folder: the table's. names: see BARS. root, settings: of the corpus, where the transitions are computed. Raises
    DataError where the table's document is damaged.
    """
    document = read_document(folder / FILE)
    written = []
    for name, drawn in table_figures(document, folder, runs, names):
        written += save(drawn, target / re.sub(r"[^\w.-]+", "-", name))
    wanted = compared(document.name, folder, runs) if TRANSITIONS in names else []
    pair = [DrawnRun(one, root, settings) for one in wanted]
    if pair:
        try:
            written += draw_together(pair, target, ALL_FORMATS)
        except UserError as error:
            log.warning("%s: transitions is not drawn: %s", folder, error)
    return written


def tables_below(folder: Path) -> list[Path]:
    """The folders of the tables that were made there: its own, or those below; none in a run's."""
    if (folder / FILE).exists():
        return [folder]
    return [] if (folder / "config.yaml").exists() else sorted(path.parent for path in folder.rglob(FILE))


def compared(name: str, folder: Path, runs: Path) -> list[RunResult]:
    """The first finished training of each row whose transitions the table compares; none where one is missing."""
    rows = read_table(name).transitions if name in table_names() else []
    listed = listed_runs(folder)
    found = []
    for row in rows:
        of_row = [RunResult(runs / str(one)) for one in listed.loc[listed["row"] == row, "run"].dropna()]
        found += [one for one in of_row if one.done][:1]
    return found if len(found) == len(rows) else []


def listed_runs(folder: Path) -> pd.DataFrame:
    """runs.csv, with no row where it is not there; trial and overrides may lack. Raises DataError for a damaged one."""
    path, columns, may_lack = folder / "runs.csv", ["row", "name", "column", "attribute", "run"], ["trial", "overrides"]
    if not path.exists():
        return pd.DataFrame(columns=[*columns, *may_lack])
    try:
        listed = pd.read_csv(regular(path), dtype=str)
        named = listed.assign(name=listed.get("name", listed["row"]))  # tables of before name no rows
        return pd.concat([named[columns], named.reindex(columns=may_lack)], axis=1)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path}: cannot be read as a table's list of runs; make the table again.") from error
