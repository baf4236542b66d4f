from callbacks.csv_table import CsvTable


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
