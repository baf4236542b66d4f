"""One reader and writer of a run's directory."""

import json
import math
import multiprocessing
import time

import pandas as pd
import pytest
from omegaconf import OmegaConf

from datamodules.batch import LABELED, UNLABELED
from datamodules.errors import DataError
from experiments.results.files import write_json
from experiments.results.metrics import Metrics, flat_scores
from experiments.results.run_result import SETS, RunResult
from experiments.training.one_run import objective, train

ATTRIBUTES = Metrics(
    corpus={"name": "x", "version": "1", "labels": "human ratings", "labeled": 3, "unlabeled": 0},
    model="temp_gru",
    attribute="all",
    seed=3,
    validation={"n": 6, "ccc": {"arousal": 0.5, "valence": None}},
    test={"test1": {"n": 4, "ccc": {"arousal": 0.25, "valence": 0.75}}, "test3": {"n": 0, "ccc": {}}},
)


def test_states(tmp_path):
    run = RunResult(tmp_path / "run")
    with run.lock():
        assert not run.done
        assert not run.partial
        assert run.failed is None
        run.checkpoints.mkdir()
        run.last.touch()
        assert run.partial
        run.mark_failed("no reason")
        run.mark_failed("a consequence")  # the first reason is kept
        assert (run.path / "FAILED").read_text() == "no reason\n"
        assert run.failed == "no reason"
        run.begin()
        assert run.failed is None
        run.finish(ATTRIBUTES)
        run.mark_failed("the disk did not say that the last word reached it")
        assert run.failed is None
        assert run.done
        assert not run.partial
        assert run.metrics == ATTRIBUTES
        run.clear()
        assert sorted(path.name for path in run.path.iterdir()) == ["LOCK"]


def test_nan_never_reaches_a_json_file(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "metrics.json", {"ccc": float("nan")})
    assert not (tmp_path / "metrics.json").exists()


def test_scores_have_one_name_each_and_what_is_undefined_is_no_number():
    scores = ATTRIBUTES.scores
    assert math.isnan(scores.pop("validation/ccc_valence"))
    assert scores == {"validation/ccc_arousal": 0.5, "test1/ccc_arousal": 0.25, "test1/ccc_valence": 0.75}
    categories = {"n": 4, "uar": 0.5, "f1": {"macro": 0.4}, "confusion": {"classes": ["a"], "counts": [[4]]}}
    assert flat_scores(categories) == {"uar": 0.5, "f1_macro": 0.4}


def test_a_run_reads_what_it_wrote(tiny, planned):
    plan = planned(*tiny, "rounds=1")
    run = train(plan, ["rounds=1"])
    assert run.metrics.validation["n"] == 6
    assert run.metrics.corpus["labeled"] == 12
    assert objective(plan, run.metrics) == run.metrics.scores["validation/ccc_arousal"]
    history = run.history()
    assert list(history["set"]) == ["U", "L"]
    assert history["validation/ccc"].notna().tolist() == [False, True]
    assert run.clusters()["clusters"].tolist() == [10, 10]
    test1 = run.predictions("test1")
    assert list(test1) == ["utterance_id", "speaker", "attribute", "truth", "prediction"]
    assert len(test1) == run.metrics.test["test1"]["n"] == 6
    assert run.environment["threads"] >= 1
    assert run.environment["seconds"] > 0
    assert run.outcome["schedule"]["rounds"] == 1
    assert run.path.name.endswith(f"-s0-{run.path.name.rsplit('-', 1)[1]}")
    assert OmegaConf.load(run.config).rounds == 1
    assert OmegaConf.load(run.path / "overrides.yaml") == ["rounds=1"]
    # The scores are those of the predictions that lie beside them.
    assert run.metrics.test["test1"]["ccc"]["arousal"] == pytest.approx(ccc(test1), abs=1e-12)


def ccc(table: pd.DataFrame) -> float:
    """Lin (1989), with population variances."""
    x, y = table["prediction"], table["truth"]
    covariance = ((x - x.mean()) * (y - y.mean())).mean()
    return 2 * covariance / (x.var(ddof=0) + y.var(ddof=0) + (x.mean() - y.mean()) ** 2)


def test_metrics_without_a_part_leave_it_out(tmp_path):
    path = tmp_path / "metrics.json"
    corpus = {"name": "c", "version": "1", "labels": "l"}
    Metrics(corpus, "x", "arousal", 0, test={"test1": {"n": 0, "ccc": {}}}).write(path)
    assert sorted(json.loads(path.read_text())) == ["attribute", "corpus", "model", "seed", "test"]
    assert Metrics.read(path).validation is None


def hold(path, ready, seconds):
    with RunResult(path).lock():
        ready.set()
        time.sleep(seconds)


def test_a_second_process_says_who_holds_the_run_and_waits(tmp_path, caplog):
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    other = context.Process(target=hold, args=(tmp_path / "run", ready, 1.0))
    other.start()
    assert ready.wait(10)
    started = time.monotonic()
    with RunResult(tmp_path / "run").lock():
        waited = time.monotonic() - started
    other.join()
    assert waited > 0.3
    assert f"process {other.pid}" in caplog.text


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("predictions-test1.parquet", lambda run: run.predictions("test1")),
        ("history.csv", lambda run: run.history()),
        ("clusters.csv", lambda run: run.clusters()),
        ("environment.json", lambda run: run.environment),
        ("outcome.json", lambda run: run.outcome),
    ],
)
@pytest.mark.parametrize("content", [None, b"", b"PAR1\x00\xff"])
def test_a_file_that_is_gone_or_damaged_is_told_with_what_to_do(name, read, content, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    if name.endswith("csv") and content:
        (tmp_path / name).write_bytes(b'"')
    with pytest.raises(DataError, match=rf"{name}: is missing or cannot be read; put a copy of it there, or"):
        read(RunResult(tmp_path))


def test_the_sets_of_passes_are_the_batches_own():
    assert SETS == (LABELED, UNLABELED)
