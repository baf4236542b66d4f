"""The figures of a table say what its runs left, and nothing of runs that are not there."""

import logging
import shutil

import numpy as np
import pandas as pd
import pytest

from experiments.drawing.of_tables import compared, draw_table, tables_below
from experiments.drawing.table_rounds import draw_health, draw_learning
from experiments.figures import main
from experiments.html.page import write_page
from experiments.report.definition import read_table, table_names
from experiments.results.files import write_json

ROWS = {"vanilla": "DeepEmoCluster", "triplet": "Temp-Triplet"}


@pytest.fixture
def made(document, trained, tmp_path):
    """A table whose two rows have two trainings each, which lie in `runs`; one more was never trained."""
    folder, lines = tmp_path / "results" / "temporal_3" / "tiny", []
    folder.mkdir(parents=True)
    for row, name in ROWS.items():
        for seed in range(2):
            run = shutil.copytree(trained, tmp_path / "runs" / f"{row}-synthetic-arousal-s{seed}-0badcafe")
            history = pd.read_csv(run / "history.csv")
            scores = [one for one in history if one.startswith("validation/")]
            history[scores] += seed / 10
            history.to_csv(run / "history.csv", index=False)
            lines.append({"row": row, "name": name, "column": "paper", "attribute": "all", "run": run.name})
        lines.append({"row": row, "name": name, "column": "paper", "attribute": "all", "run": None})
    pd.DataFrame(lines).to_csv(folder / "runs.csv", index=False)
    write_json(folder / "table.json", {**document.to_dict(), "name": "temporal_3"})
    return folder


def test_curves_are_the_means_of_a_rows_trainings(made, tmp_path, trained):
    listed = pd.read_csv(made / "runs.csv")
    drawn = draw_learning(listed, tmp_path / "runs")
    (place,) = drawn.axes
    history = pd.read_csv(trained / "history.csv").dropna(subset="validation/ccc")
    curves = [line for line in place.lines if len(line.get_xdata())]
    assert len(curves) == 2
    for curve in curves:
        np.testing.assert_array_equal(curve.get_xdata(), history["pass"])
        np.testing.assert_allclose(curve.get_ydata(), history["validation/ccc"] + 0.05)
    assert [one.get_text() for one in drawn.legends[0].get_texts()] == list(ROWS.values())
    health = draw_health(listed, tmp_path / "runs")
    clusters = pd.read_csv(trained / "clusters.csv")
    expected = {f"{name}: {words}" for name in clusters["set"] for words in ("evenness", "NMI")}
    assert len(health.axes) == len(expected)
    of_set = clusters[clusters["set"] == "L"]
    (evenness,) = [one for one in health.axes if one.get_title() == "L: evenness of the sizes"]
    np.testing.assert_allclose(evenness.lines[0].get_ydata(), of_set["entropy"])


def test_runs_that_are_not_there_are_left_out(made, tmp_path):
    listed = pd.read_csv(made / "runs.csv")
    assert draw_learning(listed, tmp_path / "elsewhere") is None
    (tmp_path / "runs" / listed["run"][0] / "DONE").unlink()
    (place,) = draw_learning(listed, tmp_path / "runs").axes
    assert len(place.collections) == 1  # a band of the row that has two trainings left
    for name in listed["run"].dropna()[:2]:
        shutil.rmtree(tmp_path / "runs" / name)
    assert compared("temporal_3", made, tmp_path / "runs") == []


def test_a_table_and_a_folder_of_tables(made, tmp_path, capsys):
    for given in (made, tmp_path / "results"):
        main([str(given), "--runs", str(tmp_path / "runs"), "--only", "curves", "--only", "clusters"])
        told = capsys.readouterr().out.split()
        assert [one.removeprefix(f"{made}/figures/") for one in told] == [
            f"{name}.{ending}" for name in ("curves", "clusters") for ending in ("png", "pdf")
        ]
    assert tables_below(tmp_path / "runs") == []


def test_the_compared_rows_stand_in_one_figure_and_on_the_page(made, tmp_path):
    runs = tmp_path / "runs"
    assert [one.path.name for one in compared("temporal_3", made, runs)] == [
        f"{row}-synthetic-arousal-s0-0badcafe" for row in ROWS
    ]
    main([str(made), "--runs", str(runs), "--only", "transitions"])
    assert {path.suffix for path in (made / "figures").iterdir()} == {".png", ".pdf", ".svg"}
    text = write_page(tmp_path / "results", runs, tmp_path / "results" / "report.html").read_text()
    assert text.count("data:image/svg+xml;base64,") == 1
    for name in ("curves", "clusters"):
        assert f'aria-label="temporal_3, {name}"' in text


def test_transitions_that_cannot_be_drawn_cost_no_other_figure(made, tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    for path in (tmp_path / "runs").rglob("triplet*/**/best.ckpt"):
        path.write_bytes(b"")
    written = draw_table(made, made / "figures", tmp_path / "runs", ["transitions", "curves"])
    assert {path.stem for path in written} == {"curves"}
    assert "transitions is not drawn" in caplog.text


def test_compared_rows_are_rows():
    tables = {name: read_table(name) for name in table_names()}
    assert {name for name, one in tables.items() if one.transitions} == {"temporal_2", "temporal_3"}
    for one in tables.values():
        assert set(one.transitions) <= set(one.rows)


@pytest.mark.parametrize("spoil", ["pass,set,loss\n0,L,1\n", "nothing\n", None])
def test_one_damaged_run_costs_no_other_figure_and_no_page(made, tmp_path, spoil, caplog):
    history = next((tmp_path / "runs").iterdir()) / "history.csv"
    history.write_text(spoil) if spoil else history.unlink()
    page = write_page(tmp_path / "results", tmp_path / "runs", tmp_path / "report.html")
    assert "history.csv" in caplog.text
    assert "NMI with the round before" in page.read_text()
    names = {
        path.stem for path in draw_table(made, tmp_path / "drawn", tmp_path / "runs", ["bars", "curves", "clusters"])
    }
    assert "clusters" in names
    assert "curves" not in names


def test_what_cannot_be_drawn_keeps_nothing_else_from_it(trained, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    run = shutil.copytree(trained, tmp_path / trained.name)
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / "empty"), str(run), "--only", "curves"])
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert f"{run}/figures/curves.png" in said.out
    assert "empty: is not the directory of a finished run" in said.err
