"""What processes report to their starter."""

from pathlib import Path

from experiments.console.report_file import REPORT_FILE, read_reports, report


def test_the_reason_is_that_of_the_process_that_died_first(tmp_path: Path) -> None:
    file = tmp_path / "report"
    file.write_text(
        '{"process": 0, "directory": "here"}\n{"process": 1, "error": "no food"}\n'
        '{"process": 0, "error": "connection lost"}\n{"process": 0, "died": 0, "hit": false, "how": "it ended"}\n{"proc'
    )
    assert read_reports(file).directory == "here"
    assert read_reports(file).reason == "no food"
    lost = '{"process": 0, "error": "connection lost"}\n{"process": 0, "died": 1, '
    file.write_text(lost + '"hit": true, "how": "killed"}\n')
    assert read_reports(file).reason == "killed"
    file.write_text(lost + '"hit": false, "how": "exit status 9"}\n')
    assert read_reports(file).reason == "exit status 9"


def test_what_is_reported_is_read(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "report"
    monkeypatch.setenv(REPORT_FILE, str(file))
    report(directory="there")
    assert read_reports(file).objective is None
    report(objective=0.25)
    assert (read_reports(file).directory, read_reports(file).reason, read_reports(file).objective) == (
        "there",
        "",
        0.25,
    )
