"""How every figure looks: legible in print, at half its size, and to colour-blind readers."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.figure import Figure
from matplotlib.text import Text

from datamodules.names import printable
from datamodules.whole_files import whole_file

# Okabe & Ito (2008), "Color universal design": eight colours that all common kinds of colour vision tell apart. Yellow,
# too pale on paper, comes last.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#F0E442")
# So that curves differ without colour, too.
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
FORMATS = ("png", "pdf")
ALL_FORMATS = (*FORMATS, "svg")
DOTS_PER_INCH = 150
DRAWN = "\n\xa0\u3000"  # beside what can be printed: lines, and spaces

_OPTIONS: Any = {
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=list(COLOURS)),
    "axes.grid": True,
    "grid.alpha": 0.3,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # text that can be searched and edited
    "svg.fonttype": "none",
    "svg.hashsalt": "emocluster",  # the same figure is the same file
    "text.parse_math": False,  # names of files have dollars
    "figure.constrained_layout.use": True,
}


def look(number: int) -> dict[str, Any]:
    """Of the so manieth curve, by colour, dash and marker; the first 64 differ."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "linestyle": DASHES[(number + number // len(COLOURS)) % len(DASHES)],
        "marker": MARKERS[(number + number // len(COLOURS)) % len(MARKERS)],
        "markersize": 4,
    }


@contextmanager
def figure(width: float, height: float) -> Iterator[Figure]:
    """A figure of that many inches, drawn and saved in this style."""
    with mpl.rc_context(_OPTIONS):
        yield Figure(figsize=(width, height))


def save_svg(drawn: Figure) -> str:
    """The figure as SVG, whose words are text; the same figure is the same string."""
    with mpl.rc_context(_OPTIONS):
        file = io.StringIO()
        _escape(drawn)
        drawn.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def _escape(drawn: Figure) -> None:
    """Signs that cannot be printed as escapes: names hold anything, and a PDF cannot be drawn with some of them."""
    texts: list[Any] = drawn.findobj(Text)
    for text in texts:
        text.set_text(printable(text.get_text(), DRAWN))
    for axes in drawn.axes:
        for axis in (axes.xaxis, axes.yaxis):
            formatter: Any = axis.get_major_formatter()
            formatter.format_ticks = partial(_printable_ticks, formatter.format_ticks)  # when it is drawn


def _printable_ticks(format_ticks: Callable[[Any], list[str]], values: Any) -> list[str]:
    return [printable(one, DRAWN) for one in format_ticks(values)]


def save(drawn: Figure, path: Path, formats: tuple[str, ...] = FORMATS) -> list[Path]:
    """Write `path` with each ending, whole or not at all, in place of one of before; without dates, so bytes agree."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _escape(drawn)
    written = []
    for ending in formats:
        target = path.with_name(f"{path.name}.{ending}")
        metadata = {"png": {"Software": None}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}[ending]
        with whole_file(target) as draft:
            drawn.savefig(draft, format=ending, dpi=DOTS_PER_INCH, metadata=metadata)
        written.append(target)
    return written
