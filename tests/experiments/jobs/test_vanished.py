"""What a sweep says of a job whose place in the temporary folder is gone."""

from pathlib import Path

from experiments.jobs import sweeps
from experiments.jobs.job import Job
from experiments.jobs.sweeps import SweepPlace, run_sweep_job


def test_it_is_a_sentence_and_the_others_go_on(tmp_path, monkeypatch, capsys):
    def gone(*_):
        return Path("/nowhere/emocluster-0/report").read_text()

    monkeypatch.setattr(sweeps, "run_job", gone)
    place = SweepPlace(tmp_path, 0, ("seed=0",), "hydra._internal.core_plugins.basic_launcher.BasicLauncher", 1)
    assert run_sweep_job(Job(("seed=0",), 1, "cpu", False), place) is None
    said = capsys.readouterr().err
    assert said.startswith("error: /nowhere/emocluster-0/report: No such file or directory; ")
    assert "Traceback" not in said
    assert '"failed"' in (tmp_path / "job-0.json").read_text()
