"""Weights & Biases and Trackio: one run a training, the same curve after a resume, and never a reason to fail."""

import json
import logging
import os
import sqlite3
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pandas as pd
import pytest
import wandb
from pytorch_lightning.loggers import WandbLogger

from experiments.config.plan import LoggerPlan
from experiments.results.metrics import Metrics
from experiments.results.run_result import RunResult
from experiments.training.forgiving import ForgivingLogger
from experiments.training.loggers import log_predictions, log_scores, open_loggers
from experiments.training.one_run import train

ROOT = Path(__file__).resolve().parents[3]


class Recorder:
    """Keeps what it is given; fails after its good calls."""

    name, version = "recorder", 0

    def __init__(self, good: int) -> None:
        self.good, self.calls, self.scores, self.tables = good, [], {}, {}

    def log_metrics(self, metrics, step=None):
        self.calls.append(metrics)
        if len(self.calls) > self.good:
            raise ConnectionError("no route to host")

    def log_scores(self, scores):
        self.scores.update(scores)

    def log_predictions(self, name, table):
        self.tables[name] = table

    def finalize(self, status):
        pass


def recorded(recorder: Recorder) -> ForgivingLogger:
    return ForgivingLogger(recorder, "Weights & Biases")


def config(**options):
    return LoggerPlan(**{"backend": "wandb", "project": "test", "offline": True, **options})


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WANDB_SILENT", "true")
    return tmp_path


def test_a_logger_that_fails_is_left_out_and_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    inner = Recorder(good=1)
    logger = recorded(inner)
    for value in (1.0, 2.0, 3.0):
        logger.log_metrics({"loss": value}, step=1)
    logger.finalize("success")
    assert inner.calls == [{"loss": 1.0}, {"loss": 2.0}]
    assert [record.message for record in caplog.records if "no route to host" in record.message] == [
        "Weights & Biases fails (ConnectionError: no route to host); training goes on without it, "
        "history.csv has everything."
    ]


def test_scores_have_one_name_each() -> None:
    inner = Recorder(good=1)
    validation, test1 = ({"n": 6, "ccc": {"arousal": value}} for value in (0.5, 0.4))
    metrics = Metrics({}, "x", "arousal", 0, validation, {"test1": test1})
    log_scores([recorded(inner)], metrics)
    assert inner.scores == metrics.scores == {"validation/ccc_arousal": 0.5, "test1/ccc_arousal": 0.4}


def test_the_summary_has_the_best_score_and_the_curve_its_last(directory: Path) -> None:
    with open_loggers(config(), directory, {}) as loggers:
        for value in (0.5, 0.3):
            loggers[0].log_metrics({"validation/ccc_arousal": value})
        best = {"n": 6, "ccc": {"arousal": 0.5}}
        log_scores(loggers, Metrics({}, "x", "arousal", 0, best, {"test1": {"ccc": {"arousal": 0.4}}}))
        summary = dict(wandb.run.summary)
    assert (summary["validation/ccc_arousal"], summary["test1/ccc_arousal"]) == (0.5, 0.4)


def test_a_resumed_run_keeps_its_id_and_every_run_is_finished(directory: Path) -> None:
    ids = []
    for _ in range(2):
        with open_loggers(config(), directory, {"model": "x"}) as (logger,):
            assert isinstance(logger.service, WandbLogger)
            logger.log_metrics({"loss": 1.0})
            ids.append(wandb.run.id)
        assert wandb.run is None
    assert ids[0] == ids[1] == (directory / "wandb_id").read_text()
    other = directory / "other"
    other.mkdir()
    with open_loggers(config(), other, {}) as (logger,):
        logger.log_metrics({"loss": 1.0})
        assert wandb.run.id != ids[0]


@pytest.mark.parametrize(("offline", "resume"), [(False, "allow"), (True, None)])
@pytest.mark.parametrize(("ends", "status"), [(nullcontext(), 0), (pytest.raises(RuntimeError, match="fire"), 1)])
def test_what_wandb_is_told(directory: Path, monkeypatch, offline, resume, ends, status) -> None:
    begun, ended = [], []

    def init(**settings):
        begun.append(settings)
        raise OSError("no service here")

    monkeypatch.setattr(wandb, "login", lambda **_: True)
    monkeypatch.setattr(wandb, "init", init)
    monkeypatch.setattr(wandb, "finish", lambda exit_code: ended.append(exit_code))
    with ends, open_loggers(config(offline=offline), directory, {"model": "x"}) as (logger,):
        logger.log_metrics({"loss": 1.0})
        if status:
            raise RuntimeError("fire")
    assert [(one["project"], one["name"], one["resume"], one["config"]) for one in begun] == [
        ("test", directory.name, resume, {"model": "x"})
    ]
    assert ended == [status]


def test_it_is_finished_when_training_fails(directory: Path) -> None:
    def fail() -> None:
        with open_loggers(config(), directory, {}) as (logger,):
            logger.log_metrics({"loss": 1.0})
            assert wandb.run is not None
            raise RuntimeError("fire")

    with pytest.raises(RuntimeError, match="fire"):
        fail()
    assert wandb.run is None


def test_without_an_account_it_stays_offline(
    directory: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(directory))  # and so without a .netrc
    monkeypatch.setenv("NETRC", str(directory / ".netrc"))
    with open_loggers(config(offline=False), directory, {}) as (logger,):
        logger.log_metrics({"loss": 1.0})
        assert logger.works
        assert wandb.run.offline
    assert "no account" in caplog.text


def test_training_goes_on_where_wandb_is_broken(tiny, planned, monkeypatch, caplog) -> None:
    def broken(*args, **kwargs):
        raise OSError("the service did not start")

    monkeypatch.setattr(wandb, "init", broken)
    caplog.set_level(logging.WARNING)
    run = train(planned(*tiny, "logger=wandb", "rounds=1", "unlabeled_size=0"))
    assert run.done
    assert run.metrics.validation["n"] == 6
    assert "the service did not start" in caplog.text


def test_the_whole_config_and_the_identity_are_given_to_the_logger(tiny, planned, monkeypatch) -> None:
    given = {}

    def opened(plan, directory, settings):
        given.update(settings)
        return nullcontext([])

    monkeypatch.setattr("experiments.training.one_run.open_loggers", opened)
    run = train(planned(*tiny, "model=temp_triplet", "gamma_triplet=2", "rounds=1", "data.chunks.max_seconds=4.0"))
    assert (given["model"]["name"], given["gamma_triplet"], given["lambda_cluster"]) == ("temp_triplet", 2, 1)
    assert given["optimization"]["sgd_lr"] == 0.001
    assert given["fidelity"]["embedding"] == "encoder"
    assert given["data"]["name"] == "synthetic"
    assert given["data"]["unlabeled_dir"].endswith("Unlabeled")
    assert given["outcome"] == run.outcome
    assert given["run"] == run.path.name


def test_losses_have_their_set_in_their_name(tiny, planned, monkeypatch) -> None:
    recorder = Recorder(good=10**6)
    monkeypatch.setattr("experiments.training.one_run.open_loggers", lambda *_: nullcontext([recorded(recorder)]))
    train(planned(*tiny, "rounds=1"))
    logged = {name for call in recorder.calls for name in call}
    assert {"U/cluster", "U/loss", "L/ccc", "L/cluster", "L/loss"} <= logged
    assert not {"U/ccc", "ccc", "loss", "cluster"} & logged


def test_predictions_are_given_as_tables_of_bounded_size(tiny, planned, monkeypatch) -> None:
    recorder = Recorder(good=10**6)
    tables = recorder.tables
    monkeypatch.setattr("experiments.training.one_run.open_loggers", lambda *_: nullcontext([recorded(recorder)]))
    run = train(planned(*tiny, "rounds=1"))
    (told,) = tables.values()
    assert set(tables) == {"test1/predictions"}
    assert told["prediction"].astype(float).tolist() == run.predictions("test1")["prediction"].tolist()
    monkeypatch.setattr("experiments.training.loggers.MOST_ROWS", 4)
    log_predictions([recorded(recorder)], run, ["test1"])
    assert len(tables["test1/predictions"]) == 4
    assert set(tables["test1/predictions"]["utterance_id"]) <= set(told["utterance_id"])


def test_trackio_has_everything_without_an_account_and_goes_on(tiny, planned, tmp_path) -> None:
    """In a process of its own, for Trackio reads its folder from the environment when it is imported."""
    folder, runs = tmp_path / "curves", tmp_path / "runs"
    program = [sys.executable, "-m", "experiments.run", *tiny, f"run_root={runs}", "logger=trackio", "unlabeled_size=0"]
    place = {"TRACKIO_DIR": str(folder), "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    said = subprocess.run([*program, "rounds=2"], cwd=ROOT, env=os.environ | place, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    assert "* " not in said.stdout  # Trackio greets; here a result stands
    (run,) = runs.glob("*-*")
    with sqlite3.connect(folder / "emocluster.db") as database:
        points = [json.loads(one) for (one,) in database.execute("select metrics from metrics order by id")]
        ((settings,),) = database.execute("select config from configs")
    history = pd.read_csv(run / "history.csv")
    metrics = RunResult(run).metrics.scores
    assert [one["L/loss"] for one in points if "L/loss" in one] == pytest.approx(history["loss"].tolist())
    curve = [one["validation/ccc_arousal"] for one in points if "validation/ccc_arousal" in one]
    assert curve == pytest.approx(history["validation/ccc_arousal"].tolist())
    assert [one["test1/ccc_arousal"] for one in points if "test1/ccc_arousal" in one] == [metrics["test1/ccc_arousal"]]
    assert any("test1/predictions" in one for one in points)
    assert json.loads(settings)["run"] == run.name


def test_a_service_that_is_not_installed_is_no_reason_not_to_train(directory: Path, monkeypatch, caplog) -> None:
    monkeypatch.setitem(sys.modules, "trackio", None)
    monkeypatch.delitem(sys.modules, "experiments.training.trackio_run", raising=False)
    with open_loggers(config(backend="trackio"), directory, {}) as loggers:
        assert loggers == []
    assert "trackio cannot be used" in caplog.text


def test_trackio_goes_on_with_a_resumed_run_and_not_with_one_that_begins_anew(tmp_path) -> None:
    program = """
from pathlib import Path
from experiments.config.plan import LoggerPlan
from experiments.training.loggers import open_loggers
for value in range(3):
    if value == 2:
        Path("run", "trackio").unlink()  # as overwrite=true does
    with open_loggers(LoggerPlan("trackio", "test"), Path("run"), {}) as (logger,):
        logger.log_metrics({"loss": value, "undefined": float("nan")}, step=value)
"""
    (tmp_path / "run").mkdir()
    place = {"TRACKIO_DIR": str(tmp_path / "curves"), "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=os.environ | place, check=True)
    with sqlite3.connect(tmp_path / "curves" / "test.db") as database:
        found = database.execute("select run_id, metrics from metrics order by id").fetchall()
    first, second, third = ((run, json.loads(metrics)["loss"]) for run, metrics in found)
    assert first[0] == second[0] != third[0]
    assert [first[1], second[1], third[1]] == [0, 1, 2]
