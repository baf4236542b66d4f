"""A trained model on other test sets, as a user asks for it."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from experiments.config.composing import composed
from experiments.config.from_hydra import make_plan
from experiments.config.saved import evaluation_data
from experiments.evaluate import main
from experiments.results.run_result import RunResult
from experiments.training.one_run import train

SMALL = ["features.num_mels=16", "trainer.progress_bar=false", "rounds=1", "batch_size=16", "unlabeled_size=0"]


@pytest.fixture(scope="module")
def emodb(real_data, tmp_path_factory) -> RunResult:
    """A run on EmoDB's second fold."""
    root = tmp_path_factory.mktemp("emodb")
    options = ["model=cnn_regressor", "data=emodb", f"data.root={real_data / 'emodb'}", "data.corpus.fold=2", *SMALL]
    return train(make_plan(composed(*options, f"run_root={root / 'runs'}", f"store_root={root / 'stores'}")))


@pytest.fixture(scope="module")
def synthetic(corpus_root, tmp_path_factory) -> RunResult:
    """A run on the built-in corpus."""
    root = tmp_path_factory.mktemp("synthetic")
    sizes = ["train=12", "development=6", "test1=6", "unlabeled=8", "min_seconds=1.1", "max_seconds=1.6"]
    options = [*(f"data.corpus.{size}" for size in sizes), "data.chunks.max_seconds=2.0", f"data.root={corpus_root}"]
    return train(
        make_plan(
            composed(
                "model=cnn_regressor", *options, *SMALL, f"run_root={root / 'runs'}", f"store_root={root / 'stores'}"
            )
        )
    )


@pytest.fixture
def run(request, tmp_path) -> RunResult:
    """A copy of one of them."""
    return RunResult(Path(shutil.copytree(request.getfixturevalue(request.param).path, tmp_path / "run")))


both = pytest.mark.parametrize("run", ["emodb", "synthetic"], indirect=True)
on_emodb = pytest.mark.parametrize("run", ["emodb"], indirect=True)
on_synthetic = pytest.mark.parametrize("run", ["synthetic"], indirect=True)


def evaluated(run: RunResult | Path, *arguments: object) -> tuple[dict, Path]:
    """metrics.json of the evaluation that these arguments make, and its folder."""
    path = run.path if isinstance(run, RunResult) else run
    base = Path(arguments[arguments.index("--output") + 1]) if "--output" in arguments else path / "evaluations"
    before = {folder: (folder / "metrics.json").stat().st_mtime_ns for folder in base.glob("*")}
    main([str(path), *map(str, arguments)])
    after = {folder: (folder / "metrics.json").stat().st_mtime_ns for folder in base.glob("*")}
    (folder,) = (one for one in after if after[one] != before.get(one))
    return json.loads((folder / "metrics.json").read_text()), folder


def refused(capsys, *arguments: object) -> str:
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said


@both
def test_on_its_own_corpus_a_runs_result_is_repeated(run, tmp_path, monkeypatch):
    """With its own data options: another fold's test speakers would be its training speakers."""
    monkeypatch.chdir(tmp_path)
    found, folder = evaluated(run)
    assert found["test"] == run.metrics.test
    assert folder.name.startswith(f"{run.metrics.corpus['name']}-")
    assert not (tmp_path / "stores").exists()


@on_emodb
def test_its_own_corpus_elsewhere_keeps_its_options(run, real_data, tmp_path):
    shutil.copytree(real_data / "emodb", tmp_path / "moved")
    first, one = evaluated(run)
    found, other = evaluated(run, "--data", "emodb", "--root", tmp_path / "moved")
    assert found["test"] == run.metrics.test == first["test"]
    assert other == one  # named by what it holds


@on_emodb
def test_further_options_are_set_and_speakers_that_trained_the_model_are_told(run, capsys):
    found, folder = evaluated(run, "--set", "data.corpus.fold=1")
    assert found["test"] != run.metrics.test
    notes = found["corpus"]["notes"]
    n = found["test"]["test"]["n"]
    assert f"{n} of {n} sentences of test trained the model" in notes
    assert f"{n} of {n} sentences of test are of 2 speakers who trained the model" in notes
    assert all(note in capsys.readouterr().out + " ".join(notes) for note in notes)
    again, _ = evaluated(run)
    assert not [note for note in again["corpus"]["notes"] if "trained the model" in note]
    assert len(list(folder.parent.iterdir())) == 2  # beside each other


@on_synthetic
def test_another_corpus_on_its_test_set_or_on_all_its_sentences(run, real_data):
    root = real_data / "emodb"
    found, folder = evaluated(run, "--data", "emodb", "--root", root)
    assert (found["corpus"]["name"], found["corpus"]["version"]) == ("emodb", "4 classes, 339 files")
    assert found["corpus"]["labels"] == "proxy attributes"
    assert found["trained_on"] == run.metrics.corpus
    assert found["test"]["test"]["n"] == 73
    assert len(pd.read_parquet(folder / "predictions-test.parquet")) == 73
    (folder / "predictions-left-over.parquet").touch()
    everything, whole = evaluated(run, "--data", "emodb", "--root", root, "--split", "all")
    assert everything["test"]["all"]["n"] == 339
    assert whole.name.endswith("-all")
    again, same = evaluated(run, "--data", "emodb", "--root", root)
    assert (again, same) == (found, folder)
    assert not (folder / "predictions-left-over.parquet").exists()


@pytest.mark.slow
def test_the_authors_weights_are_evaluated(real_data, tmp_path, monkeypatch):
    """Their predictions on all of EmoDB, scored against the proxy ratings."""
    family = real_data / "released" / "temporal_v1.8"
    (path,) = family.glob("*_Act_Temp-Triplet.pth.tar")
    monkeypatch.chdir(tmp_path)
    options = ["--data", "emodb", "--root", real_data / "emodb", "--split", "all", "--set", f"store_root={tmp_path}/s"]
    found, folder = evaluated(path, *options, "--output", tmp_path / "out")
    assert found["model"].startswith("TempTriplet of ")
    assert found["test"]["all"]["n"] == 339
    assert "seed" not in found
    ours = pd.read_parquet(folder / "predictions-all.parquet").set_index("utterance_id")["prediction"]
    golden = pd.read_csv(family / "golden_emodb.csv").set_index("file")["Temp-Triplet_arousal"]
    # Through the store's float16; see the parity test.
    assert (ours - golden.loc[ours.index]).abs().max() < 1e-3


@on_synthetic
def test_mistakes_are_told(run, real_data, tmp_path, capsys):
    path = run.path
    assert "with --root" in refused(capsys, path, "--data", "emodb")
    assert "take one of crema_d, emodb, librispeech, msp_podcast" in refused(
        capsys, path, "--data", "nothing", "--root", "x"
    )
    assert "no such folder" in refused(capsys, path, "--data", "emodb", "--root", "/no (such), folder=1")
    assert "there is no such option of data=synthetic" in refused(capsys, path, "--set", "data.corpus.fold=2")
    for setting in (
        "model.name=x",
        "data.root=/nonexistent",
        "data.name=x",
        "data.chunks.max_seconds=3",
        "features.power=1",
    ):
        assert "an evaluation does not read that" in refused(capsys, path, "--set", setting)
    assert "its value cannot be read" in refused(capsys, path, "--set", "data.corpus.seed=[")
    assert "its value cannot be read" in refused(capsys, path, "--set", "data.corpus.seed=!!python/name:os.system")
    assert "set a fraction from 0 to 1" in refused(capsys, path, "--set", "data.max_bad_files=7")
    assert "1 or more, or null" in refused(capsys, path, "--set", "data.workers=-3")
    assert "there is no such folder" in refused(capsys, path, "--root", tmp_path / "nonexistent")
    assert not (tmp_path / "nonexistent").exists()
    assert "/dev/null" in refused(capsys, path, "--output", "/dev/null")
    assert "set a whole number" in refused(capsys, path, "--set", "data.corpus.seed=abc")
    options = ("--data", "emodb", "--root", real_data / "emodb")
    assert "cannot be set" in refused(capsys, path, *options, "--set", "data.corpus.colour=2")
    released = next((real_data / "released" / "temporal_v1.8").glob("*.tar"))
    assert "--data: name the corpus" in refused(capsys, released)
    (path / "DONE").unlink()
    assert "finished run" in refused(capsys, path)


@on_synthetic
@pytest.mark.parametrize("target", ["os.mkdir", "torch.load", "pandas.read_pickle", "experiments.jobs.job.run_job"])
@pytest.mark.parametrize("node", ["corpus", "pool"])
def test_a_handed_over_run_cannot_have_foreign_code_run(node, target, run, tmp_path, capsys):
    config = yaml.safe_load(run.config.read_text())
    config["data"][node] = {"_target_": target, "path": str(tmp_path / "made")}
    run.config.write_text(yaml.safe_dump(config))
    assert f"data.{node}: {target} is not one of datamodules.corpora" in refused(capsys, run.path)
    assert not (tmp_path / "made").exists()


@on_synthetic
@pytest.mark.parametrize(
    "line",
    ["x: !!python/object/apply:os.mkdir [MADE]", "x: !!python/object/apply:pathlib.PosixPath [/]", "data: 3", "["],
)
def test_a_config_is_read_as_plain_data(line, run, tmp_path, capsys):
    run.config.write_text(run.config.read_text() + line.replace("MADE", str(tmp_path / "made")) + "\n")
    assert "cannot be read as a run's config" in refused(capsys, run.path)
    assert not (tmp_path / "made").exists()


@on_synthetic
def test_an_interpolation_is_a_word_like_any_other(run, capsys, monkeypatch):
    monkeypatch.setenv("SECRET", "42")
    config = yaml.safe_load(run.config.read_text())
    config["data"]["corpus"]["seed"] = "${oc.env:SECRET}"
    run.config.write_text(yaml.safe_dump(config))
    assert "data.corpus.seed=${oc.env:SECRET}: set a whole number" in refused(capsys, run.path)


@on_synthetic
@pytest.mark.parametrize("change", ["features: null", "features: abc", "store_root: 3", "data: {name: x, corpus: {}}"])
def test_a_damaged_config_is_told(change, run, capsys):
    config = yaml.safe_load(run.config.read_text()) | yaml.safe_load(change)
    run.config.write_text(yaml.safe_dump(config))
    assert refused(capsys, run.path)


@on_synthetic
@pytest.mark.parametrize("content", ["[]", "{}", "{"])
def test_a_damaged_result_is_told(content, run, capsys):
    (run.path / "metrics.json").write_text(content)
    assert "metrics.json: is missing or cannot be read" in refused(capsys, run.path)


@on_synthetic
def test_a_corpus_of_ones_own_options(run, tmp_path, capsys):
    """Options that the reader has from its corpus arrive there."""
    config = yaml.safe_load(run.config.read_text())
    saved = evaluation_data(run.config, None, None, ["data.corpus.seed=0", "data.max_bad_files=0.5"])
    assert (saved.corpus["seed"], saved.max_bad_files) == (0, 0.5)
    config["data"]["version"] = config["data"]["corpus"]["seed"]
    config["data"] |= {"seed": 0}
    run.config.write_text(yaml.safe_dump(config))
    assert evaluation_data(run.config, None, None, ["data.seed=5"]).corpus["seed"] == 5
