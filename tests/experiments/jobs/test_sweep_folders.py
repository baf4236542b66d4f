"""A sweep's folder is its own: its command again takes it up, and nothing else writes there."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from datamodules.errors import ConfigurationError
from datamodules.locks import take
from experiments.config.hydra_errors import hydra_errors
from experiments.jobs.sweeps import SweepReport

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def begin(monkeypatch, tmp_path):
    """Begin a sweep in a folder, as Hydra does."""
    monkeypatch.setattr(SweepReport, "directory", None)
    monkeypatch.setattr(SweepReport, "lock", None)

    def begun(*task, sweeper=()):
        if SweepReport.lock is not None:
            SweepReport.lock.close()  # as at the end of a process
        overrides = SimpleNamespace(task=list(task), hydra=["hydra.mode=MULTIRUN", *sweeper])
        place = SimpleNamespace(dir=str(tmp_path / "sweep"))
        SweepReport().on_multirun_start(SimpleNamespace(hydra=SimpleNamespace(sweep=place, overrides=overrides)))
        return tmp_path / "sweep"

    return begun


def test_the_same_command_takes_its_folder_up_again(begin):
    folder = begin("seed=0,1")
    (folder / "job-0.json").write_text("{}")
    (folder / "summary.csv").write_text("job")
    begin("seed=0,1")
    assert not (folder / "job-0.json").exists()  # it will be told again
    assert (folder / "summary.csv").exists()


@pytest.mark.parametrize(("seeds", "sweeper"), [("seed=0,2", ()), ("seed=0,1", ["hydra.sweeper.n_jobs=2"])])
def test_another_sweeps_folder_is_refused(seeds, sweeper, begin, capsys):
    folder = begin("seed=0,1")
    (folder / "job-0.json").write_text("{}")
    with pytest.raises(SystemExit) as end:
        begin(seeds, sweeper=sweeper)
    assert end.value.code == 2
    assert "is another sweep's, or something else lies there; set hydra.sweep.dir" in capsys.readouterr().err
    assert (folder / "job-0.json").exists()


def test_a_folder_of_other_things_is_refused_and_an_empty_one_taken(begin, capsys, tmp_path):
    (tmp_path / "sweep").mkdir()
    begin("seed=0,1")
    (tmp_path / "sweep" / "sweep.json").unlink()
    (tmp_path / "sweep" / "thesis.tex").write_text("mine")
    with pytest.raises(SystemExit):
        begin("seed=0,1")
    assert "something else lies there" in capsys.readouterr().err
    (tmp_path / "sweep" / "sweep.json").write_text("[")
    with pytest.raises(SystemExit):
        begin("seed=0,1")
    assert "sweep.json: is missing or cannot be read; remove it." in capsys.readouterr().err


def test_a_folder_in_which_a_sweep_runs_is_refused(begin, capsys, tmp_path):
    folder = begin("seed=0,1")
    SweepReport.lock.close()
    with (folder / ".lock").open("a") as other:
        take(other, folder)
        with pytest.raises(SystemExit):
            begin("seed=0,1")
    assert "another process is at the same work; wait for it" in capsys.readouterr().err


def failing_plugin():
    """Raises as code of a sweeper's does."""
    scope = {"__name__": "hydra_plugins.hydra_optuna_sweeper._impl"}
    exec("def sweep():\n    raise ZeroDivisionError('division by zero')", scope)
    scope["sweep"]()


def test_what_a_sweeper_raises_is_a_sentence_and_our_own_faults_are_not():
    told = r"the sweep cannot be made \(division by zero\); mend hydra.sweeper or hydra.launcher"
    with pytest.raises(ConfigurationError, match=told), hydra_errors():
        failing_plugin()
    with pytest.raises(ZeroDivisionError), hydra_errors():
        raise ZeroDivisionError


@pytest.mark.parametrize("place", ["foo", "sqlite:////"])
def test_a_study_that_cannot_be_kept_is_a_sentence(place, tiny, tmp_path):
    options = [*tiny, "experiment=sweep_optuna", f"hydra.sweeper.storage={place}"]
    done = subprocess.run(
        [sys.executable, "-m", "experiments.run", "-m", *options],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 2, done.stderr
    assert "error: the sweep cannot be made (" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(next((tmp_path).rglob("sweep.json")).read_text())["overrides"]
