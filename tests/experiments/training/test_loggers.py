"""Weights & Biases: one run a training, the same curve after a resume, and never a reason to fail."""

import logging
from contextlib import nullcontext
from pathlib import Path

import pytest
import wandb
from pytorch_lightning.loggers import Logger, WandbLogger

from experiments.config.plan import LoggerPlan
from experiments.results.metrics import Metrics
from experiments.training.loggers import ForgivingLogger, log_predictions, log_scores, open_loggers
from experiments.training.one_run import train


class Recorder(Logger):
    """Keeps what it is given; fails from its second call on."""

    name, version = "recorder", 0

    def __init__(self, good: int) -> None:
        super().__init__()
        self.good, self.calls = good, []

    def log_metrics(self, metrics, step=None):
        self.calls.append(metrics)
        if len(self.calls) > self.good:
            raise ConnectionError("no route to host")

    def log_hyperparams(self, params, *args, **kwargs):
        raise AssertionError("never asked for")


def config(**options):
    return LoggerPlan(**{"backend": "wandb", "project": "test", "offline": True, **options})


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WANDB_SILENT", "true")
    return tmp_path


def test_a_logger_that_fails_is_left_out_and_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    inner = Recorder(good=1)
    logger = ForgivingLogger(inner)
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
    log_scores([ForgivingLogger(inner)], Metrics({}, "x", "arousal", 0, validation, {"test1": test1}))
    assert inner.calls == [{"best_validation/ccc_arousal": 0.5, "test1/ccc_arousal": 0.4}]


def test_a_resumed_run_keeps_its_id_and_every_run_is_finished(directory: Path) -> None:
    ids = []
    for _ in range(2):
        with open_loggers(config(), directory, {"model": "x"}) as (logger,):
            assert isinstance(logger.inner, WandbLogger)
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
    monkeypatch.setattr(
        "experiments.training.one_run.open_loggers", lambda *_: nullcontext([ForgivingLogger(recorder)])
    )
    train(planned(*tiny, "rounds=1"))
    logged = {name for call in recorder.calls for name in call}
    assert {"U/cluster", "U/loss", "L/ccc", "L/cluster", "L/loss"} <= logged
    assert not {"U/ccc", "ccc", "loss", "cluster"} & logged


def test_predictions_are_given_as_tables_of_bounded_size(tiny, planned, monkeypatch) -> None:
    class Tables(Recorder):
        def log_table(self, key, columns, data, dataframe):
            tables[key] = dataframe

    tables: dict = {}
    monkeypatch.setattr(
        "experiments.training.one_run.open_loggers", lambda *_: nullcontext([ForgivingLogger(Tables(good=10**6))])
    )
    run = train(planned(*tiny, "rounds=1"))
    (told,) = tables.values()
    assert set(tables) == {"test1/predictions"}
    assert told["prediction"].astype(float).tolist() == run.predictions("test1")["prediction"].tolist()
    monkeypatch.setattr("experiments.training.loggers.MOST_ROWS", 4)
    log_predictions([ForgivingLogger(Tables(good=1))], run, ["test1"])
    assert len(tables["test1/predictions"]) == 4
    assert set(tables["test1/predictions"]["utterance_id"]) <= set(told["utterance_id"])
