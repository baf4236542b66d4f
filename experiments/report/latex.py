"""A table for a paper: LaTeX with booktabs, the best in bold."""

import pandas as pd

from experiments.report.analysis import Analysis
from experiments.report.sheet import main_sheet, title

# What LaTeX writes in its own way; `latex-math` leaves what stands between dollars.
SYMBOLS = {
    "±": r"$\pm$",
    "†": r"$^{\dagger}$",
    "*": r"$^{*}$",
    "γ": r"$\gamma$",
    "λ": r"$\lambda$",
    "–": "--",
    "−": "$-$",
}


def latex(analysis: Analysis) -> str:
    """A `table` environment; needs booktabs."""
    sheet = main_sheet(analysis)
    frame = pd.DataFrame([[_words(text) for text in row] for row in sheet.rows])
    frame.columns = pd.Index([_words(text) for text in sheet.header])
    style = frame.style.hide(axis="index").format(escape="latex-math").format_index(escape="latex-math", axis="columns")
    for row, column in sheet.best:
        style = style.set_properties(subset=(row, frame.columns[column]), **{"textbf": "--rwrap"})
    return style.to_latex(
        hrules=True,
        column_format="l" + "r" * (len(sheet.header) - 1),
        caption=_escaped(title(analysis)),
        label=f"tab:{analysis.asked.name}",
        position_float="centering",
    )


def _words(text: str) -> str:
    for symbol, command in SYMBOLS.items():
        text = text.replace(symbol, command)
    return text


def _escaped(text: str) -> str:
    for character in "&%#_":
        text = text.replace(character, "\\" + character)
    return _words(text)
