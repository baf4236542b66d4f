"""Whole runs: what they leave, what the same command finds again, and how they fail."""

import csv
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_training import CLUSTERED, MODELS

from datamodules.errors import DataError, TrainingDiverged
from datamodules.labels import ATTRIBUTES
from experiments.config.saved import evaluation_data
from experiments.config.targets import read_corpus
from experiments.results.loading import load_predictor
from experiments.results.subject import evaluate, subject_of
from experiments.training import one_run
from experiments.training.data import read_corpora
from experiments.training.one_run import train

# Coarser attention; and triplets need four chunks a sentence.
SUITED = {
    "acg_emocluster": ["encoder.kv_pool=8"],
    "temp_triplet": ["data.chunks.max_seconds=4.0"],
    "cnn_regressor": ["unlabeled_size=0"],
}


def evaluated(path):
    """As the program does it."""
    subject = subject_of(path)
    plan = evaluation_data(subject.config, None, None, [])
    return evaluate(subject, read_corpus("data.corpus", plan.corpus), plan.store_root, plan.max_bad_files, plan.workers)


@pytest.mark.parametrize("name", MODELS)
def test_a_run_leaves_everything_it_promises(name, tiny, planned):
    plan = planned(*tiny, f"model={name}", *SUITED.get(name, []))
    run = train(plan, ["seed=0"])
    names = {path.name for path in run.path.iterdir()}
    assert names >= {
        "config.yaml",
        "overrides.yaml",
        "outcome.json",
        "metrics.json",
        "history.csv",
        "predictions-development.parquet",
        "predictions-test1.parquet",
        "checkpoints",
        "environment.json",
        "run.log",
        "DONE",
        "LOCK",
    }
    assert "FAILED" not in names
    assert ("clusters.csv" in names) is (name in CLUSTERED)
    metrics = json.loads((run.path / "metrics.json").read_text())
    unlabeled = 8 if "U" in plan.passes else 0
    assert metrics["corpus"]["name"] == "synthetic"
    assert (metrics["corpus"]["labeled"], metrics["corpus"]["unlabeled"]) == (12, unlabeled)
    assert (metrics["model"], metrics["attribute"], metrics["seed"]) == (name, "arousal", 0)
    assert metrics["test"]["test1"]["n"] == 6
    assert -1 <= metrics["test"]["test1"]["ccc"]["arousal"] <= 1
    predictions = pd.read_parquet(run.path / "predictions-test1.parquet")
    assert list(predictions) == ["utterance_id", "speaker", "attribute", "truth", "prediction"]
    assert predictions["truth"].between(1, 7).all()
    history = list(csv.DictReader((run.path / "history.csv").open()))
    assert [row["set"] for row in history] == list(plan.passes)
    # The result is the best model's, as its development CCC in the history says.
    best = max(float(row["validation/ccc"]) for row in history if row["validation/ccc"])
    assert metrics["validation"]["ccc"]["arousal"] == pytest.approx(best, abs=1e-5)
    # Its checkpoint alone makes the same model again.
    assert evaluated(run.path)[0].test == metrics["test"]
    # And whoever looks at the result is told all that.
    assert (run.done, run.partial, run.failed) == (True, False, None)
    assert run.metrics.test == metrics["test"]
    assert list(run.history()["set"]) == list(plan.passes)
    assert run.predictions("test1").equals(predictions)
    assert run.outcome["model"]["_target_"] == plan.model["_target_"]
    assert run.environment["seconds"] > 0
    assert (run.path / "overrides.yaml").read_text() == '- "seed=0"\n'
    if name in CLUSTERED:
        assert list(run.clusters()["pass"]) == list(range(len(plan.passes)))
        assert (run.clusters()["clusters"] == 10).all()


@pytest.mark.parametrize(
    ("name", "passes"), [("deep_emocluster", "ULUL"), ("acg_emocluster", "ULL"), ("cnn_ae", "ULUL")]
)
def test_the_tiny_runs_read_both_sets(name, passes, tiny, planned):
    """The guard of the test above."""
    assert "".join(planned(*tiny, f"model={name}").passes) == passes


def test_a_training_that_diverges_ends_at_once(tiny, planned, tmp_path, monkeypatch):
    monkeypatch.setenv("MISHAP", "0")
    mishap = ["+callbacks.mishap={_target_: callbacks.mishap.Mishap, kind: diverge, value: 0}"]
    with pytest.raises(TrainingDiverged, match=r"of pass 1 over L .* became NaN or infinite.*lower the learning rates"):
        train(planned(*tiny, "model=cnn_ae", "unlabeled_size=0", "rounds=4", *mishap))
    (directory,) = (tmp_path / "runs").iterdir()
    assert "pass 1" in (directory / "FAILED").read_text()
    assert [row["pass"] for row in csv.DictReader((directory / "history.csv").open())] == ["0"]
    # Resuming would go on from the last good pass.
    assert torch.load(directory / "checkpoints" / "last.ckpt", weights_only=True)["epoch"] == 0


def test_the_same_seed_gives_the_same_file_and_another_seed_another(tiny, planned, tmp_path):
    def run(root, seed):
        run = train(planned(*tiny, f"run_root={tmp_path / root}", f"seed={seed}"))
        return (run.path / "metrics.json").read_bytes()

    first = run("first", 0)
    assert run("second", 0) == first
    assert run("third", 1) != first


def test_the_same_command_again_returns_the_stored_result(tiny, planned, caplog):
    plan = planned(*tiny)
    run = train(plan)
    metrics, last = run.metrics, run.path / "checkpoints" / "last.ckpt"
    stamp = last.stat().st_mtime_ns
    with caplog.at_level("INFO"):
        again = train(plan)
    assert (again.metrics, again.path) == (metrics, run.path)
    assert "is done" in caplog.text
    assert last.stat().st_mtime_ns == stamp
    train(planned(*tiny, "overwrite=true"))
    assert last.stat().st_mtime_ns != stamp


def test_all_attributes_at_once(tiny, planned):
    run = train(planned(*tiny, "attribute=all"))
    assert list(run.metrics.test["test1"]["ccc"]) == list(ATTRIBUTES)
    assert len(pd.read_parquet(run.path / "predictions-test1.parquet")) == 3 * 6


def test_a_failure_leaves_its_reason_and_the_next_attempt_goes_on(tiny, planned, monkeypatch):
    def broken(*arguments, **options):
        raise RuntimeError("the disk caught fire")

    plan = planned(*tiny)
    with monkeypatch.context() as patched:
        patched.setattr(one_run, "score_sets", broken)
        with pytest.raises(RuntimeError, match="caught fire"):
            train(plan)
    (failed,) = plan.run_root.glob("*/FAILED")
    assert "the disk caught fire" in failed.read_text()
    run = train(plan)
    assert (run.path / "DONE").exists()
    assert not (run.path / "FAILED").exists()


def test_weights_and_biases_runs_offline_and_keeps_its_id(tiny, planned, monkeypatch):
    monkeypatch.setenv("WANDB_SILENT", "true")
    directory = train(planned(*tiny, "logger=wandb", "rounds=1")).path
    identity = (directory / "wandb_id").read_text()
    assert len(identity) == 16
    assert list(directory.glob(f"wandb/offline-run-*-{identity}"))
    assert (directory / "history.csv").exists()


def test_predictions_do_not_depend_on_the_other_sentences(tiny, planned):
    """Batch normalisation must be in evaluation mode when a set is predicted."""
    model = load_predictor(train(planned(*tiny)).path).model
    chunks = torch.randn(5, 2, 62, 128)
    with torch.no_grad():
        together = model(chunks)
        alone = torch.cat([model(chunk[None]) for chunk in chunks])
    # Convolution kernels for another batch size add in another order: float32 rounding.
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_training_sentences_without_a_rating_are_left_out_of_l(tiny, planned, monkeypatch):
    plan = planned(*tiny)

    def some_unrated(data_plan):
        corpus, pool = read_corpora(data_plan)
        table = corpus.table.copy()
        train_rows = table.index[table["split"] == "train"]
        table.loc[train_rows[:3], "arousal"] = np.nan
        table.loc[train_rows[3:], "valence"] = np.nan  # which is not asked for
        return replace(corpus, table=table), pool

    monkeypatch.setattr(one_run, "read_corpora", some_unrated)
    run = train(plan)
    metrics = run.metrics
    whole = metrics.corpus["labeled"] + 3
    note = f"3 of {whole} sentences of train lack labels of arousal and are left out"
    assert any(one.endswith(note) for one in metrics.corpus["notes"])
    assert (run.training_set["set"] == "L").sum() == metrics.corpus["labeled"]
    assert np.isfinite(run.history()["loss"]).all()


def test_labels_of_which_no_sentence_has_all_are_told(tiny, planned, monkeypatch):
    def apart(data_plan):
        corpus, pool = read_corpora(data_plan)
        table = corpus.table.copy()
        table.loc[::2, "arousal"] = np.nan
        table.loc[1::2, "valence"] = np.nan
        return replace(corpus, table=table), pool

    monkeypatch.setattr(one_run, "read_corpora", apart)
    with pytest.raises(DataError, match=r"no training sentence has all labels of arousal\+valence; choose fewer"):
        train(planned(*tiny, "attribute=arousal+valence"))


def test_a_diverged_training_is_told_and_leaves_its_reason(tiny, planned):
    plan = planned(*tiny, "optimization.sgd_lr=1e30")
    with pytest.raises(TrainingDiverged, match="lower"):
        train(plan)
    (failed,) = plan.run_root.glob("*/FAILED")
    assert "diverged" in failed.read_text()


def test_labels_that_changed_under_a_partial_run_are_told(tiny, planned, monkeypatch):
    """As by another version of a corpus's reader, from files that are the same."""
    plan = planned(*tiny)
    with monkeypatch.context() as patched:
        patched.setattr(one_run, "score_sets", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            train(plan)
    fitted = one_run.fitted_task
    other = {"scale": {"arousal": {"mean": 1.0, "std": 2.0}}}
    monkeypatch.setattr(one_run, "fitted_task", lambda *arguments: fitted(*arguments) | other)
    with pytest.raises(DataError, match=r"was trained on other labels than L has now; .*overwrite=true"):
        train(plan)
