"""A sweep's folder is its own: its command again takes it up, and nothing else writes there."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from omegaconf.errors import ConfigAttributeError

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
    assert {path.name for path in folder.iterdir()} == {".lock", "sweep.json", "job-0.json", "summary.csv"}


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


def raised_in(module, error):
    """Raises as a line of that module does."""
    scope = {"__name__": module, "error": error}
    exec("def line():\n    raise error", scope)
    scope["line"]()


@pytest.mark.parametrize("module", ["hydra_plugins.hydra_optuna_sweeper._impl", "hydra_plugins"])
def test_what_a_sweeper_raises_is_a_sentence(module):
    told = r"the sweep cannot be made \(division by zero\); mend hydra.sweeper or hydra.launcher"
    with pytest.raises(ConfigurationError, match=told), hydra_errors():
        raised_in(module, ZeroDivisionError("division by zero"))


@pytest.mark.parametrize(
    ("kind", "of_hydra"), [(ZeroDivisionError, ZeroDivisionError), (ConfigAttributeError, ConfigurationError)]
)
def test_our_own_faults_are_none_of_hydras(kind, of_hydra):
    with pytest.raises(kind), hydra_errors():
        raised_in("experiments.jobs.sweeps", kind("x"))
    with pytest.raises(of_hydra), hydra_errors():
        raised_in("hydra.core", kind("x"))


def test_a_study_without_a_trial_that_is_done_is_one_of_failed_jobs():
    with pytest.raises(SystemExit) as end, hydra_errors():
        raised_in("hydra_plugins.hydra_optuna_sweeper._impl", ValueError("No trials are completed yet."))
    assert end.value.code == 1


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
