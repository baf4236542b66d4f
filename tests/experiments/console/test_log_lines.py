"""A log that cannot be written costs its lines and nothing else."""

import logging

import pytest

from experiments.console.log_lines import log_to_console, log_to_file

log = logging.getLogger("experiments.planted")


@pytest.fixture(autouse=True)
def _everything_logged():
    root = logging.getLogger()
    level, handlers = log.level, list(root.handlers)
    log.setLevel(logging.INFO)
    yield
    log.setLevel(level)
    root.handlers[:] = handlers


def test_a_full_disk_is_told_once_and_ends_nothing(tmp_path, capsys):
    file = tmp_path / "run.log"
    with log_to_file(file):
        (handler,) = (one for one in logging.getLogger().handlers if getattr(one, "baseFilename", "") == str(file))
        log.info("written")
        whole, handler.stream = handler.stream, open("/dev/full", "w")  # noqa: SIM115
        log.info("lost")
        log.info("lost, too")
        lost, handler.stream = handler.stream, whole
        log.info("written again")
        handler.stream = lost  # whose last lines still wait, and are refused once more at its end
    whole.close()
    said = capsys.readouterr().err
    assert said.count("No space left on device; lines of it are lost.") == 1
    assert "run.log" in said
    assert "Traceback" not in said
    lines = (tmp_path / "run.log").read_text().splitlines()
    assert [line.rsplit(": ", 1)[1] for line in lines] == ["written", "written again"]


def test_a_closed_terminal_ends_nothing(monkeypatch):
    log_to_console()
    closed = open("/dev/full", "w", buffering=1)  # noqa: SIM115
    monkeypatch.setattr("sys.stderr", closed)
    log.info("to nobody")
    monkeypatch.undo()
    with pytest.raises(OSError, match="No space left"):
        closed.close()


def test_a_fault_of_ours_is_shown(tmp_path, capsys):
    logging.getLogger().handlers.clear()  # pytest's own, which raise
    with log_to_file(tmp_path / "run.log"):
        log.info("%d", "no number")
    assert "TypeError" in capsys.readouterr().err
