"""The page shows the tables' and runs' own numbers, whatever their names are and whatever is damaged."""

import json
import os
import re
from html import unescape

import pytest

from datamodules.errors import DataError
from experiments.html.page import write_page
from experiments.page import main
from experiments.report.document import Document


def page(place):
    target = write_page(place / "results", place / "runs", place / "results" / "report.html")
    return target.read_text()


def words(html):
    return unescape(re.sub(r"<[^>]+>", " ", html)).strip()


def rows_of(text, key):
    """The cells of the table after that id, as a reader sees them."""
    body = text[text.index(f'id="{key}"') :]
    body = body[body.index("<tbody>") : body.index("</tbody>")]
    return [
        [words(cell) for cell in re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row, re.DOTALL)]
        for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    ]


def test_a_document_survives_its_file(document):
    assert Document.from_dict(json.loads(json.dumps(document.to_dict()))).to_dict() == document.to_dict()


def test_every_number_of_a_table_is_on_the_page(place, document):
    text = page(place)
    sheet = document.sections[0].sheet
    assert rows_of(text, "planted-full") == sheet.rows
    readable = unescape(re.sub(r"<[^>]+>", "", text))
    for section in document.sections:
        assert section.title in readable
        for row in section.sheet.rows:
            for cell in row:
                assert cell in readable
    assert document.command in readable
    best = [sheet.rows[line][column] for line, column in sheet.best]
    assert [unescape(one) for one in re.findall(r'class="best">(.*?)<', text)] == best


def test_every_run_has_its_line(place, hostile):
    text = page(place)
    first, second, third = rows_of(text, "runs-table")
    name = "temp_gru-emodb-arousal-s1-00000001"
    assert first[:5] == [name, "done", "temp_gru", "emodb 7 classes", "arousal"]
    assert first[5:11] == ["1", "200", "50", "0.6123", "0.6123", "12.5"]
    assert second[8:10] == ["", ""]  # not defined
    assert third[1].startswith("failed")
    assert hostile in third[1]
    assert f'href="../runs/{name}/"' in text
    assert 'data-copy="python -m experiments.run model=temp_gru seed=1"' in text
    assert len(rows_of(text, "clusters-table")) == 3
    assert rows_of(text, "clusters-table")[0][:7] == [name, "L", "4", "3", "9", "1", "0.8000"]


def test_nothing_that_was_read_is_taken_for_markup(place):
    text = page(place)
    assert "<script>alert" not in text
    assert text.count("<script>") == 1
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text)


def test_a_page_is_the_same_again_and_says_what_is_missing(place, tmp_path, capsys):
    assert page(place) == page(place)
    with pytest.raises(SystemExit) as ended:
        main(["--results", str(tmp_path / "no"), "--runs", str(tmp_path / "none")])
    assert ended.value.code == 2
    assert "hold neither tables nor runs" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "{}", "[1", '{"name": 3}', "\x00"])
def test_a_damaged_table_is_told(content, place, capsys):
    (place / "results" / "planted" / "full" / "table.json").write_text(content)
    with pytest.raises(SystemExit) as ended:
        main(["--results", str(place / "results"), "--runs", str(place / "runs")])
    assert ended.value.code == 2
    assert "table.json: cannot be read; make the table again, or remove it" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["metrics.json", "environment.json", "clusters.csv", "overrides.yaml"])
def test_a_damaged_run_costs_no_other(name, place):
    (place / "runs" / "temp_gru-emodb-arousal-s1-00000001" / name).write_bytes(b"\xff[}")
    lines = rows_of(page(place), "runs-table")
    assert len(lines) == 3
    assert lines[1][0].endswith("s2-00000002")
    assert lines[1][2] == "temp_gru"
    if name != "overrides.yaml":
        assert name in lines[0][1]


def test_a_page_that_cannot_be_written_is_told(place, capsys):
    (place / "file").touch()
    with pytest.raises(SystemExit):
        main(["--results", str(place / "results"), "--output", str(place / "file" / "x")])
    assert "give another place to --output" in capsys.readouterr().err
    assert os.listdir(place / "results") == ["planted"]


def test_trainings_of_tables_that_have_no_folder_are_listed(place, caplog):
    folder = place / "results" / "planted" / "full"
    folder.mkdir(parents=True, exist_ok=True)
    head = "row,column,attribute,trial,state,run,overrides\n"
    there = "vanilla,paper,arousal,0,done,temp_gru-emodb-arousal-s1-00000001,model=deep_emocluster seed=0\n"
    missing = "vanilla,paper,arousal,1,to do,,model=deep_emocluster seed=1\n"
    (folder / "runs.csv").write_text(head + there + missing)
    *_, last = rows_of(page(place), "runs-table")
    assert last[:2] == ["planted full: vanilla, paper, arousal, trial 1", "missing"]
    assert 'data-copy="python -m experiments.run model=deep_emocluster seed=1"' in page(place)
    (folder / "runs.csv").write_text("row\n1\n")
    assert len(rows_of(page(place), "runs-table")) == 3
    assert "cannot be read as a table's list of runs" in caplog.text


def test_no_two_elements_have_one_id(place):
    (one,) = (place / "results").rglob("table.json")
    (one.parents[1] / "tiny").mkdir()  # the same table at another scale
    (one.parents[1] / "tiny" / "table.json").write_bytes(one.read_bytes())
    ids = re.findall(r' id="([^"]+)"', page(place))
    assert len(ids) == len(set(ids))
    assert {one.rstrip(")") for one in re.findall(r"url\(#([^)]+)", page(place))} <= set(ids)


def test_many_tables_are_drawn_at_once_and_are_the_same(place, monkeypatch):
    results, (one,) = place / "results", (place / "results").rglob("table.json")
    for number in range(5):
        folder = results / f"more{number}" / "full"
        folder.mkdir(parents=True)
        (folder / "table.json").write_bytes(one.read_bytes())
    at_once = page(place)
    monkeypatch.setattr("experiments.html.page.MANY", 99)
    assert page(place) == at_once
    one.write_text("{")
    monkeypatch.setattr("experiments.html.page.MANY", 4)
    with pytest.raises(DataError, match=r"table\.json"):
        page(place)
