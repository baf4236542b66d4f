"""Variables of torchrun and SLURM that make no sense end in a sentence, before anybody waits for the others."""

import pytest

from datamodules.errors import ConfigurationError
from experiments.console.report_file import REPORT_FILE, report
from experiments.jobs.started import COUNTS, NUMBERS, started_processes

WHOLE = {"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch):
    for name in (*COUNTS, *NUMBERS, "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)


def test_what_torchrun_sets(monkeypatch):
    assert started_processes() == 1
    for name, value in WHOLE.items():
        monkeypatch.setenv(name, value)
    assert started_processes() == 2


@pytest.mark.parametrize("name", [*COUNTS, *NUMBERS])
@pytest.mark.parametrize("value", ["", "two", "-1", "1.5", "٣", "1 ", "1" * 5000])
def test_what_is_no_number(name, value, monkeypatch):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"has {name}='.*', no number of processes; unset it"):
        started_processes()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"WORLD_SIZE": "0"}, "WORLD_SIZE='0'"),
        ({"RANK": "2"}, "WORLD_SIZE=2 and RANK=2, so the processes cannot meet"),
        ({"RANK": None, "MASTER_PORT": None}, "WORLD_SIZE=2 and no RANK, MASTER_PORT, so"),
    ],
)
def test_what_does_not_fit(change, said, monkeypatch):
    for name, value in {**WHOLE, **change}.items():
        if value is not None:
            monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=said):
        started_processes()


def test_a_report_does_not_mind(monkeypatch, tmp_path):
    (tmp_path / "report").touch()
    monkeypatch.setenv(REPORT_FILE, str(tmp_path / "report"))
    monkeypatch.setenv("RANK", "first")
    report(error="x")
    assert '"process": 0' in (tmp_path / "report").read_text()
