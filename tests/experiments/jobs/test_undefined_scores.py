"""A job whose CCC is not defined is a job that is done, and its sweep goes on."""

import csv
import json
import math

from experiments.jobs import sweeps
from experiments.jobs.job import DONE, Job, JobResult
from experiments.jobs.sweep_table import show, write_summary
from experiments.jobs.sweeps import SweepPlace, run_sweep_job


def test_a_score_that_is_not_defined_is_null(tmp_path, monkeypatch, capsys):
    run = tmp_path / "run"
    run.mkdir()
    undefined = {"n": 24, "ccc": {"arousal": None}}
    corpus = {"name": "c", "version": "1", "labels": "l"}
    metrics = {
        "corpus": corpus,
        "model": "m",
        "attribute": "arousal",
        "seed": 0,
        "test": {"test1": undefined},
    }
    (run / "metrics.json").write_text(json.dumps({**metrics, "validation": undefined}))
    result = JobResult(DONE, 0, directory=str(run), objective=math.nan)
    monkeypatch.setattr(sweeps, "_run", lambda job, place: result)
    place = SweepPlace(tmp_path, 3, ("seed=0",), "BasicLauncher", 1)
    assert run_sweep_job(Job(("seed=0",), 1, "cpu", False), place) is None
    job = json.loads((tmp_path / "job-3.json").read_text())
    assert (job["state"], job["objective"]) == (DONE, None)
    assert job["scores"] == {"validation/ccc_arousal": None, "test1/ccc_arousal": None}
    show([job], tmp_path)
    assert "not defined" in " ".join(capsys.readouterr().out.split())
    write_summary(tmp_path / "summary.csv", [job])
    (row,) = csv.DictReader((tmp_path / "summary.csv").open())
    assert row["test1/ccc_arousal"] == ""
