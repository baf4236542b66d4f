"""How a table is shown: what a reader must be told, and that every form says the same."""

import io
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from planted_tables import COLUMN, analysis, values
from rich.console import Console

from experiments.report import terminal
from experiments.report.comparison import Values
from experiments.report.document import document_of
from experiments.report.latex import latex
from experiments.report.long_form import comparisons_table
from experiments.report.markdown import markdown
from experiments.report.sheet import claims_sheet, distance_sheet, main_sheet, title


@pytest.fixture(scope="module")
def numbers():
    rng = np.random.default_rng(0)
    slopes = {"low": 0.4, "also_low": 0.41, "middle": 0.6, "high": 0.85}
    return {row: values(rng, slope) for row, slope in slopes.items()}


def cells(sheet, name):
    (row,) = [row for row in sheet.rows if row[0] == name]
    return dict(zip(sheet.header, row, strict=True))


def test_a_table_on_the_papers_corpus_is_judged(numbers):
    made = analysis(numbers)
    assert title(made) == "Planted, on msp_podcast 1.8, human ratings, fidelity paper"
    sheet = main_sheet(made)
    high = cells(sheet, "Temp_GRU")
    assert high["arousal, published"] == ".6000 *"
    mean, deviation = numbers["high"].papers_mean, numbers["high"].deviation
    assert high["arousal"] == f"{mean:.4f} ± {deviation:.3f} *".replace("0.", ".")
    assert cells(sheet, "CNN")["arousal"].endswith(f"{numbers['low'].deviation:.3f}"[1:])  # nothing to be better than
    assert sheet.best == {(3, 2)}
    distances = distance_sheet(made)
    assert {row[0]: row[-1] for row in distances.rows}["Temp_GRU"] == "outside the trials' spread"
    text = markdown(document_of(made, "python -m experiments.tables planted"))
    assert "## Published and ours" in text
    assert "No verdict" not in text


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"version": "1.6"}, "not the paper's msp_podcast 1.8"),
        ({"scale_name": "small"}, "(scale small), so without a verdict"),
    ],
)
def test_a_table_of_something_else_says_so_and_gives_no_verdict(numbers, more, words):
    claim = {"text": "it is so", "better": [["high", "low"]]}
    made = analysis(numbers, claims=[claim], **more)
    assert words in title(made)
    assert not made.judged
    assert claims_sheet(made).rows[0][1] == "so here"
    text = markdown(document_of(made, "x"))
    assert "spread |" not in text
    # Of another version the published numbers are shown, in a column of their own; of other ratings they are not.
    assert (".6000" in text) == ("version" in more)
    assert all(row[-1] == "–" for row in distance_sheet(made).rows)


def test_marks_that_only_the_papers_test_gives_stand_in_brackets():
    rng = np.random.default_rng(1)
    rows = {name: values(rng, 0.6, 0.12) for name in ("low", "also_low", "middle")}
    found = {}
    for _ in range(40):
        made = analysis({**rows, "high": values(rng, 0.66, 0.12)})
        for how in made.marks("high", COLUMN).values():
            found.setdefault(how, made)
    assert "(*)" in cells(main_sheet(found["papers"]), "Temp_GRU")["arousal"]
    assert "earned by the papers' test alone" in markdown(document_of(found["papers"], "x"))


def test_what_is_missing_is_seen(numbers):
    some = {**numbers, "high": Values(numbers["high"].trials[:2], numbers["high"].predictions[:2])}
    del some["low"]
    some["middle"] = Values([np.nan] * 5, numbers["middle"].predictions)
    sheet = main_sheet(analysis(some))
    assert cells(sheet, "CNN")["arousal"] == "–"
    assert cells(sheet, "Temp_GRU")["arousal"].endswith("(n = 2)")


def test_every_comparison_has_both_verdicts_and_the_reason(numbers):
    made = analysis(numbers)
    frame = comparisons_table(made)
    assert len(frame) == 5  # high and middle against two each, also_low against one
    assert set(frame["papers"]) | set(frame["sound"]) <= {"higher", "lower", "no difference told", "cannot be told"}
    assert (frame.loc[frame["papers"] == frame["sound"], "why"] == "").all()
    text = markdown(document_of(made, "x"))
    assert text.count("| higher | higher |") == int(
        ((frame["papers"] == "higher") & (frame["sound"] == "higher")).sum()
    )
    assert list(comparisons_table(analysis(numbers, marks={})).columns) == list(
        frame.columns
    )  # also where there are none


def test_latex_is_a_table(numbers, tmp_path):
    text = latex(analysis(numbers))
    assert r"\toprule" in text
    assert r"\bottomrule" in text
    assert r"AE \& more" in text
    assert r"Temp\_GRU" in text
    assert r"$\gamma$ = 1" in text
    assert len(re.findall(r"\\textbf\{", text)) == 1
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    lines = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert len(lines) == 5
    assert {len(re.findall(r"(?<!\\)&", line)) for line in lines} == {2}
    assert not re.search(r"[±†γ]", text)
    assert text.count(r"\begin{") == text.count(r"\end{")
    if shutil.which("pdflatex"):
        document = rf"\documentclass{{article}}\usepackage{{booktabs}}\begin{{document}}{text}\end{{document}}"
        (tmp_path / "table.tex").write_text(document)
        subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table"], cwd=tmp_path, check=True)


def test_markdown_and_latex_and_terminal_say_the_same(numbers, monkeypatch):
    made = analysis(numbers)
    shown = io.StringIO()
    monkeypatch.setattr(terminal, "Console", lambda **_: Console(file=shown, width=300))
    terminal.show_table(made)
    for row in main_sheet(made).rows:
        for text in row[1:]:
            assert text in shown.getvalue()
            assert text in markdown(document_of(made, "x")).replace("\\*", "*").replace("**", "")
            assert text.split(" ")[0].replace("–", "--") in latex(made)


def test_durations_in_words():
    assert [terminal._duration(seconds) for seconds in (5, 90, 4000, 200_000)] == [
        "1 minute",
        "2 minutes",
        "1.1 hours",
        "2.3 days",
    ]


def test_numbers_survive_csv(numbers, tmp_path):
    frame = comparisons_table(analysis(numbers))
    frame.to_csv(tmp_path / "comparisons.csv", index=False)
    back = pd.read_csv(tmp_path / "comparisons.csv", keep_default_na=False)
    assert np.array_equal(back["difference"].astype(float), frame["difference"])


def test_the_best_is_bold_and_its_marks_are_marks(numbers):
    """Stars behind bold text would make other emphasis of it."""
    made = analysis(numbers)
    shown = f"**{numbers['high'].papers_mean:.4f} ± {numbers['high'].deviation:.3f}** \\*"
    assert f"| {shown.replace('0.', '.')} |" in markdown(document_of(made, "x"))


def test_other_options_are_in_the_title_and_take_the_verdict(numbers):
    made = analysis(numbers, options=("data.root=/a", "trainer.precision=bf16-mixed"))
    assert title(made).endswith(
        "with trainer.precision=bf16-mixed – not the experiment behind the published numbers, so without a verdict"
    )
    assert not made.judged
    assert analysis(numbers, options=("data.root=/a", "trainer=gpu")).judged


def test_rows_of_another_fidelity_are_named(numbers):
    rows = {row: {"name": row.upper(), "overrides": ["model=temp_gru"]} for row in numbers}
    rows["low"]["fidelity"] = "released"
    made = analysis(numbers, rows=rows, marks={})
    assert title(made).endswith("fidelity paper; LOW: released")


def test_marks_beside_the_published_ones_are_bracketed_alike():
    rng = np.random.default_rng(1)
    rows = {name: values(rng, 0.6, 0.12) for name in ("low", "also_low", "middle")}
    for _ in range(60):
        made = analysis({**rows, "high": values(rng, 0.66, 0.12)})
        if made.marks("high", COLUMN) == {"*": "papers"}:
            break
    assert cells(distance_sheet(made), "Temp_GRU")["our marks"] == "(*)"
