import os

import pytest

from callbacks.csv_table import CsvTable
from datamodules.errors import DataError


def test_grows_and_is_cut_back(tmp_path):
    table = CsvTable(tmp_path / "t.csv", ["pass", "loss"])
    table.cut_back(0)
    for number in range(4):
        table.append({"pass": number, "loss": number / 2})
    table.cut_back(2)
    assert (tmp_path / "t.csv").read_text().split() == ["pass,loss", "0,0.0", "1,0.5"]
    table.append({"pass": 2})
    assert (tmp_path / "t.csv").read_text().split()[-1] == "2,"


def test_a_torn_last_line_is_dropped(tmp_path):
    table = CsvTable(tmp_path / "t.csv", ["pass", "set", "loss"])
    (tmp_path / "t.csv").write_text("pass,set,loss\n0,L,1.0\n1,L")
    table.cut_back(5)
    assert (tmp_path / "t.csv").read_text().split() == ["pass,set,loss", "0,L,1.0"]


@pytest.mark.parametrize("text", [b"pass,\xff\xfe\n0,1\n", b"pass,x\n0," + b"9" * 200_000 + b"\n"])
def test_what_is_no_table_is_told_and_left_as_it_is(tmp_path, text):
    path = tmp_path / "history.csv"
    path.write_bytes(text)
    with pytest.raises(DataError, match=r"history\.csv: cannot be read as a table .* or remove it"):
        CsvTable(path, ["pass", "x"]).cut_back(1)
    assert path.read_bytes() == text


def test_a_row_of_no_pass_is_dropped(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("pass,x\n0,1\n²,2\n٣,3\n" + "1" * 5000 + ",4\n")
    CsvTable(path, ["pass", "x"]).cut_back(9)
    assert path.read_text().splitlines() == ["pass,x", "0,1"]


def test_a_pipe_in_its_place_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "history.csv")
    with pytest.raises(DataError, match="is a pipe or a device where a file is expected"):
        CsvTable(tmp_path / "history.csv", ["pass", "x"]).cut_back(1)
