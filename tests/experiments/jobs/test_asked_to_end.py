"""A sweep that is to end ends, whatever its job was doing when the signal came."""

import json
import sys

import pytest
from planted_runs import run_of

from experiments.console.user_errors import user_errors
from experiments.jobs import sweeps
from experiments.jobs.job import DONE, FAILED, INTERRUPTED, Job, JobResult
from experiments.jobs.sweeps import SweepPlace, SweepReport, run_sweep_job
from experiments.report import listed_runs


@pytest.fixture
def sweep(tmp_path, monkeypatch):
    monkeypatch.setattr(SweepReport, "directory", tmp_path)
    return SweepPlace(tmp_path, 0, ("seed=0",), "BasicLauncher", 1)


@pytest.mark.parametrize(("state", "status"), [(INTERRUPTED, 130), (DONE, 0)])
def test_the_next_job_does_not_start(sweep, tmp_path, monkeypatch, state, status):
    """A signal that came after the last pass finds the job done, and is the user's wish all the same."""
    run = run_of(tmp_path, "a-run").path
    result = JobResult(state, status, directory=str(run), asked_to_end=True)
    monkeypatch.setattr(sweeps, "_run", lambda job, place: result)
    with pytest.raises(KeyboardInterrupt):  # Hydra would go on to the next after anything else
        run_sweep_job(Job(("seed=0",), 1, "cpu", False), sweep)
    assert json.loads((tmp_path / "job-0.json").read_text())["state"] == state
    with pytest.raises(SystemExit) as end, SweepReport.at_the_end():
        pass  # whatever came after it, the exit status says that it was stopped
    assert end.value.code == 130


def test_between_two_jobs(sweep, tmp_path, monkeypatch):
    """None was told, and the table is written."""
    directory = str(run_of(tmp_path, "a-run").path)
    monkeypatch.setattr(sweeps, "_run", lambda job, place: JobResult(DONE, 0, directory=directory))
    run_sweep_job(Job(("seed=0",), 1, "cpu", False), sweep)
    with pytest.raises(SystemExit) as end, SweepReport.at_the_end(), user_errors():
        raise KeyboardInterrupt
    assert end.value.code == 130
    assert (tmp_path / "summary.csv").exists()


def test_how_a_program_ended_stands_beside_how_its_jobs_did(sweep, tmp_path, monkeypatch, capsys):
    """The graver status counts, words are kept, and a fault of ours keeps its traceback."""
    monkeypatch.setattr(sweeps, "_run", lambda job, place: JobResult(FAILED, 1, "no reason"))
    run_sweep_job(Job(("seed=0",), 1, "cpu", False), sweep)
    for given, told in ((None, 1), (0, 1), (2, 2), (130, 130), ("words", "words")):
        with pytest.raises(SystemExit) as end, SweepReport.at_the_end():
            sys.exit(given)
        assert end.value.code == told
    with pytest.raises(ZeroDivisionError), SweepReport.at_the_end():
        raise ZeroDivisionError
    assert capsys.readouterr().out.count("no reason") == 6


def test_what_comes_after_a_sweep_does_not_begin(tmp_path, monkeypatch):
    monkeypatch.setattr(listed_runs.subprocess, "Popen", lambda command, **_: command)
    for outcome, status in (((0, True), 130), ((0, False), 0), ((1, False), 1), ((143, True), 143)):
        monkeypatch.setattr(listed_runs, "wait_for", lambda command, outcome=outcome: outcome)
        assert listed_runs.run_listed([Job(("seed=0",), 1, "cpu", False)], tmp_path, []) == status
