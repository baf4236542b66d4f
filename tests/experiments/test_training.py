import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from callbacks.errors import TrainingDiverged
from datamodules.corpora.corpus import ATTRIBUTES
from experiments import CONF
from experiments.evaluate import evaluate
from experiments.training import train

MODELS = sorted(path.stem for path in (CONF / "model").glob("*.yaml"))
# Coarser attention; and triplets need four chunks a sentence.
SUITED = {
    "acg_emocluster": ["model.kv_pool=8"],
    "temp_triplet": ["data.chunks.max_seconds=4.0"],
    "cnn_regressor": ["unlabeled_size=0"],
}
PASSES = {"acg_emocluster": "ULL", "cnn_regressor": "LL"}


@pytest.mark.parametrize("model", MODELS)
def test_a_run_leaves_everything_it_promises(model, tiny, composed):
    metrics, directory = train(composed(*tiny, f"model={model}", *SUITED.get(model, [])), ["seed=0"])
    names = {path.name for path in directory.iterdir()}
    assert names >= {
        "config.yaml",
        "overrides.yaml",
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
    assert ("clusters.csv" in names) is not model.startswith("cnn_")
    assert metrics == json.loads((directory / "metrics.json").read_text())
    assert metrics["corpus"]["name"] == "synthetic"
    assert (metrics["corpus"]["labeled"], metrics["corpus"]["unlabeled"]) == (12, 0 if model == "cnn_regressor" else 8)
    assert metrics["test"]["test1"]["n"] == 6
    assert -1 <= metrics["test"]["test1"]["ccc"]["arousal"] <= 1
    predictions = pd.read_parquet(directory / "predictions-test1.parquet")
    assert list(predictions) == ["utterance_id", "speaker", "attribute", "truth", "prediction"]
    assert predictions["truth"].between(1, 7).all()
    history = list(csv.DictReader((directory / "history.csv").open()))
    assert "".join(row["set"] for row in history) == PASSES.get(model, "ULUL")
    # The result is the best model's, as its development CCC in the history says.
    best = max(float(row["validation/ccc"]) for row in history if row["validation/ccc"])
    assert metrics["validation"]["ccc"]["arousal"] == pytest.approx(best, abs=1e-5)
    # Its checkpoint alone makes the same model again.
    assert evaluate(directory)[0]["test"] == metrics["test"]


def test_a_training_that_diverges_ends_at_once(tiny, composed, tmp_path, monkeypatch):
    monkeypatch.setenv("MISHAP", "0")
    mishap = ["+callbacks.mishap._target_=mishap.Mishap", "+callbacks.mishap.kind=diverge", "+callbacks.mishap.value=0"]
    with pytest.raises(TrainingDiverged, match=r"NaN or infinite in pass 1: .*lower the learning rates"):
        train(composed(*tiny, "model=cnn_ae", "unlabeled_size=0", "rounds=4", *mishap), [])
    (directory,) = (tmp_path / "runs").iterdir()
    assert "pass 1" in (directory / "FAILED").read_text()
    assert [row["pass"] for row in csv.DictReader((directory / "history.csv").open())] == ["0"]
    # Resuming would go on from the last good pass.
    assert torch.load(directory / "checkpoints" / "last.ckpt", weights_only=True)["epoch"] == 0


def test_the_same_seed_gives_the_same_file_and_another_seed_another(tiny, composed, tmp_path):
    def run(root, seed):
        return (
            train(composed(*tiny, f"run_root={tmp_path / root}", f"seed={seed}"), [])[1] / "metrics.json"
        ).read_bytes()

    first = run("first", 0)
    assert run("second", 0) == first
    assert run("third", 1) != first


def test_the_same_command_again_returns_the_stored_result(tiny, composed, caplog):
    cfg = composed(*tiny)
    metrics, directory = train(cfg, [])
    stamp = (directory / "checkpoints" / "last.ckpt").stat().st_mtime_ns
    with caplog.at_level("INFO"):
        assert train(cfg, []) == (metrics, directory)
    assert "is done" in caplog.text
    assert (directory / "checkpoints" / "last.ckpt").stat().st_mtime_ns == stamp
    train(composed(*tiny, "overwrite=true"), [])
    assert (directory / "checkpoints" / "last.ckpt").stat().st_mtime_ns != stamp


def test_evaluating_a_run_on_its_own_corpus_repeats_its_result(tiny, composed, corpus_root, tmp_path, monkeypatch):
    """Wherever it is started, also if the run was given relative paths."""
    monkeypatch.chdir(corpus_root.parent)
    metrics, directory = train(composed(*tiny, "store_root=stores", f"data.root={corpus_root.name}"), [])
    monkeypatch.chdir(tmp_path)
    again, folder = evaluate(directory)
    assert folder == directory / "evaluations" / "synthetic"
    assert again["test"] == metrics["test"]
    assert json.loads((folder / "metrics.json").read_text())["test"] == metrics["test"]
    assert not (tmp_path / "stores").exists()


def test_all_attributes_at_once(tiny, composed):
    metrics, directory = train(composed(*tiny, "attribute=all"), [])
    assert list(metrics["test"]["test1"]["ccc"]) == list(ATTRIBUTES)
    assert len(pd.read_parquet(directory / "predictions-test1.parquet")) == 3 * 6


def test_a_failure_leaves_its_reason_and_the_next_attempt_goes_on(tiny, composed, monkeypatch):
    import experiments.training as training

    def broken(*arguments, **options):
        raise RuntimeError("the disk caught fire")

    cfg = composed(*tiny)
    with monkeypatch.context() as patched:
        patched.setattr(training, "evaluate_sets", broken)
        with pytest.raises(RuntimeError, match="caught fire"):
            train(cfg, [])
    (failed,) = Path(cfg.run_root).glob("*/FAILED")
    assert "the disk caught fire" in failed.read_text()
    _, directory = train(cfg, [])
    assert (directory / "DONE").exists()
    assert not (directory / "FAILED").exists()


def test_weights_and_biases_runs_offline_and_keeps_its_id(tiny, composed, monkeypatch):
    monkeypatch.setenv("WANDB_SILENT", "true")
    _, directory = train(composed(*tiny, "logger=wandb", "rounds=1"), [])
    identity = (directory / "wandb_id").read_text()
    assert len(identity) == 16
    assert list(directory.glob(f"wandb/offline-run-*-{identity}"))
    assert (directory / "history.csv").exists()


def test_predictions_do_not_depend_on_the_other_sentences(tiny, composed):
    """Batch normalisation must be in evaluation mode when a set is predicted."""
    from experiments.loading import load_trained

    _, directory = train(composed(*tiny), [])
    trained = load_trained(directory)
    chunks = torch.randn(5, 2, 62, 128)
    with torch.no_grad():
        together = trained.model(chunks)
        alone = torch.cat([trained.model(chunk[None]) for chunk in chunks])
    # Convolution kernels for another batch size add in another order: float32 rounding.
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_evaluating_on_another_corpus_and_mistakes_in_asking_for_it(tiny, composed, real_data):
    from datamodules.errors import DataError

    metrics, directory = train(composed(*tiny, "rounds=1"), [])
    other, folder = evaluate(directory, "emodb", str(real_data / "emodb"))
    assert folder == directory / "evaluations" / "emodb"
    assert other["corpus"] == {"name": "emodb", "version": "4 classes, 339 files", "labels": "proxy attributes"}
    assert other["trained_on"] == metrics["corpus"]
    assert other["test"]["test"]["n"] == 73
    assert len(pd.read_parquet(folder / "predictions-test.parquet")) == 73
    for arguments, message in [
        (("emodb", None), "with --root"),
        (("nothing", "x"), "take one of emodb, msp_podcast, synthetic"),
        (("emodb", "/no (such), folder=1"), "no such folder"),
    ]:
        with pytest.raises(DataError, match=message.replace("(", "\\(").replace(")", "\\)")):
            evaluate(directory, *arguments)
    (directory / "DONE").unlink()
    with pytest.raises(DataError, match="finished run"):
        evaluate(directory)


def test_a_diverged_training_is_told_and_leaves_its_reason(tiny, composed):
    cfg = composed(*tiny, "model.sgd_lr=1e30")
    with pytest.raises(TrainingDiverged, match="lower"):
        train(cfg, [])
    (failed,) = Path(cfg.run_root).glob("*/FAILED")
    assert "diverged" in failed.read_text()
