"""Tables and runs as one page, which needs no network and no other file.

page.html.j2 is its words, page.css its looks, page.js what it can do: sort, filter, copy.
"""

import base64
import math
import os
import re
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from datamodules.errors import DataError
from datamodules.whole_files import regular, write_whole
from experiments.drawing.of_tables import TRANSITIONS, table_figures
from experiments.drawing.style import save_svg
from experiments.html.listed import lines_of, missing_lines
from experiments.report.document import read_document

MANY = 4  # tables, of which the figures are worth processes of their own
SPARK_WIDTH, SPARK_HEIGHT = 90, 22


def write_page(results: Path, runs: Path, target: Path) -> Path:
    """Write the page of all tables below `results` and all runs in `runs`.

    Raises DataError where there is neither, or where the page cannot be written.
    """
    paths = sorted(results.rglob("table.json"))
    tables = _tables(paths, runs)
    lines = list(lines_of(runs, target.parent))
    lines += missing_lines([path.parent for path in paths], {one.name for one in lines})
    if not tables and not lines:
        raise DataError(f"{results} and {runs}: hold neither tables nor runs; make some, or say where they are.")
    environment = Environment(
        loader=PackageLoader("experiments.html", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "spark": spark}
    package = files("experiments.html")
    text = environment.get_template("page.html.j2").render(
        tables=tables,
        lines=lines,
        states=Counter(one.state for one in lines),
        clustered=[(one, name, health) for one in lines for name, health in one.health.items()],
        style=Markup(package.joinpath("page.css").read_text()),
        script=Markup(package.joinpath("page.js").read_text()),
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, text)
    except OSError as error:
        raise DataError(f"{target}: cannot be written ({error.strerror}); give another place to --output.") from error
    return target


def _tables(paths: Sequence[Path], runs: Path) -> list[dict[str, Any]]:
    """See `_table`; many are drawn by as many processes as there are cores, which takes most of a page's time."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if len(paths) < MANY or cores == 1:
        return [_table(path, runs) for path in paths]
    with ProcessPoolExecutor(cores, mp_context=get_context("fork")) as pool:
        return list(pool.map(partial(_table, runs=runs), paths))


def _table(path: Path, runs: Path) -> dict[str, Any]:
    """A document, its figures, and where it lies. Raises DataError for one that is damaged."""
    document = read_document(path)
    folder = path.parent
    key = f"{folder.parent.name}-{folder.name}"
    made = enumerate(table_figures(document, folder, runs))
    drawn = [svg(figure, f"{document.name}, {name}", f"{key}-{number}-") for number, (name, figure) in made]
    saved = folder / "figures" / f"{TRANSITIONS}.svg"
    return {
        "document": document,
        "key": key,
        "scale": folder.name,
        "figures": [*drawn, *([picture(saved, f"{document.name}, {TRANSITIONS}")] if saved.exists() else [])],
    }


def svg(drawn: Figure, words: str, own: str) -> Markup:
    """A figure as it stands in a page. words: what a screen reader says. own: what its elements' ids begin with."""
    text = save_svg(drawn)
    label = Markup('role="img" aria-label="{}" ').format(words)
    text = re.sub(r'(?<= id=")|(?<=url\(#)|(?<=href="#)', own, text)
    return Markup("<svg ") + label + Markup(text[text.index("<svg ") + len("<svg ") :])


def picture(path: Path, words: str) -> Markup:
    """A file's SVG, as an image, in which no script runs, whoever wrote the file."""
    data = base64.b64encode(regular(path).read_bytes()).decode()
    return Markup('<img src="data:image/svg+xml;base64,{}" alt="{}">').format(data, words)


def number(value: Any) -> str:
    """As a table of the page has it: four digits of what is no whole number.

    >>> number(0.53219), number(12), number(None)
    ('0.5322', '12', '')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def spark(values: Sequence[float]) -> Markup:
    """A line of values between 0 and 1, as small as a word."""
    if not values:
        return Markup()
    step = SPARK_WIDTH / max(1, len(values) - 1)
    points = " ".join(
        f"{place * step:.1f},{2 + (1 - min(1.0, max(0.0, value))) * (SPARK_HEIGHT - 4):.1f}"
        for place, value in enumerate(values)
    )
    first, last = values[0], values[-1]
    return Markup(
        '<svg class="spark" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="from {:.2f} to {:.2f}">'
        '<polyline points="{}" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>'
    ).format(SPARK_WIDTH, SPARK_HEIGHT, SPARK_WIDTH, SPARK_HEIGHT, first, last, points)
