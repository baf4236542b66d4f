import csv
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from datamodules.errors import DataError
from experiments.predict import main
from experiments.results import load_predictor, predictions_csv
from experiments.results.loading import read_checkpoint
from experiments.results.predictions_csv import predict_to_csv
from experiments.results.scoring import predict_set
from experiments.training.data import fitted_task, make_datamodule, prepare_data
from experiments.training.one_run import train
from sermodels.parts import make
from sermodels.tasks.task import Task


@pytest.fixture
def run(tiny, planned):
    """A finished run whose predictions differ between files by far more than the tolerances below."""
    directory = train(planned(*tiny, "rounds=1")).path
    best = directory / "checkpoints" / "best.ckpt"
    content = torch.load(best, weights_only=True)
    content["state_dict"]["emotion_regressor.top.weight"] *= 1000
    torch.save(content, best)
    return directory


def test_a_folder_of_audio_becomes_a_table(run, tmp_path, capsys):
    folder = tmp_path / "audio"
    (folder / "deep").mkdir(parents=True)
    tone = np.sin(np.arange(40_000) / 10).astype("float32")
    soundfile.write(folder / "b.wav", tone, 16000)
    soundfile.write(folder / "deep" / "a.flac", np.stack([tone, tone], 1), 44100)
    soundfile.write(folder / "short.wav", tone[:4800], 16000)
    (folder / "broken.wav").write_bytes(b"RIFF and nothing more")
    (folder / "notes.txt").write_text("not audio")
    main(["--checkpoint", str(run), "--output", str(tmp_path / "out" / "p.csv"), str(folder)])
    assert "3 files predicted, 1 not (see the column status)" in capsys.readouterr().out
    rows = {row["file"].rsplit("/", 1)[-1]: row for row in csv.DictReader((tmp_path / "out" / "p.csv").open())}
    assert set(rows) == {"b.wav", "a.flac", "short.wav", "broken.wav"}
    assert list(rows["b.wav"]) == ["file", "arousal", "duration_s", "status"]
    assert rows["b.wav"]["duration_s"] == "2.500"
    assert all(
        rows[name]["status"] == "ok" and float(rows[name]["arousal"]) for name in ("b.wav", "a.flac", "short.wav")
    )
    assert "broken.wav" in rows["broken.wav"]["status"]
    assert rows["broken.wav"]["arousal"] == ""
    assert not list((tmp_path / "out").glob("*.part"))


def test_a_prediction_that_is_no_number_is_told(run, tmp_path, capsys):
    best = run / "checkpoints" / "best.ckpt"
    content = torch.load(best, weights_only=True)
    content["state_dict"]["emotion_regressor.top.weight"] *= torch.nan
    torch.save(content, best)
    soundfile.write(tmp_path / "a.wav", np.sin(np.arange(40_000) / 10), 16000)
    with pytest.raises(SystemExit) as ended:
        main(["--checkpoint", str(run), "--output", str(tmp_path / "p.csv"), str(tmp_path / "a.wav")])
    assert ended.value.code == 2
    assert "0 files predicted, 1 not" in capsys.readouterr().out
    (row,) = csv.DictReader((tmp_path / "p.csv").open())
    assert row["arousal"] == ""
    assert "NaN or infinite" in row["status"]


def test_an_interrupted_prediction_goes_on(run, tmp_path, monkeypatch):
    files = []
    for number in range(5):
        files.append(tmp_path / f"{number}.wav")
        soundfile.write(files[-1], np.random.default_rng(number).normal(0, 0.1, 20_000), 16000)
    models = [load_predictor(run)]
    predict_to_csv(models, files, tmp_path / "whole.csv")
    monkeypatch.setattr(predictions_csv, "FILES_AT_ONCE", 2)
    heard = []
    original = predictions_csv._hear

    def hear(predictors, path):
        if len(heard) == 3:
            raise KeyboardInterrupt
        heard.append(path)
        return original(predictors, path)

    with monkeypatch.context() as patched:
        patched.setattr(predictions_csv, "_hear", hear)
        with pytest.raises(KeyboardInterrupt):
            predict_to_csv(models, files, tmp_path / "p.csv")
    assert not (tmp_path / "p.csv").exists()
    asked = []
    monkeypatch.setattr(predictions_csv, "_hear", lambda m, path: (asked.append(path), original(m, path))[1])
    assert predict_to_csv(models, files, tmp_path / "p.csv") == (5, 0)
    assert asked == files[2:]
    whole, parts = pd.read_csv(tmp_path / "whole.csv"), pd.read_csv(tmp_path / "p.csv")
    assert whole["arousal"].std() > 0.02
    # Other batch sizes, other order of float32 sums.
    np.testing.assert_allclose(whole["arousal"], parts["arousal"], atol=1e-4)


def test_predicting_from_audio_equals_predicting_from_the_store(run, tiny, planned):
    """Up to the store's float16: 11 bits of a power, through a network with gains of order one."""
    plan = planned(*tiny)
    data = prepare_data(plan.data)
    task = make("task", fitted_task(plan.task, data.corpus), Task)
    datamodule = make_datamodule(plan, data, task)
    predictor = load_predictor(run)
    stored = predict_set(predictor.model, datamodule, "test1").set_index("utterance_id")["prediction"]
    assert stored.std() > 0.05
    rows = data.corpus.rows("test1").set_index("utterance_id")
    for name, path in rows["path"].items():
        with torch.no_grad():
            value = predictor.model(
                predictor.front_end.chunks_of(predictor.read(data.corpus.root / path).samples)[None]
            ).item()
        scale = task.scale["arousal"]
        assert value * scale["std"] + scale["mean"] == pytest.approx(stored[name], abs=2e-3)
        assert predictor.predict_file(data.corpus.root / path)["arousal"] == pytest.approx(stored[name], abs=2e-3)


def test_a_notebook_is_told_what_the_program_writes(run, tmp_path, corpus_root):
    files = sorted((corpus_root / "Audios").glob("*.wav"))[:5]
    main(["--checkpoint", str(run), "--output", str(tmp_path / "p.csv"), *map(str, files)])
    written = pd.read_csv(tmp_path / "p.csv").set_index("file")["arousal"]
    predictor = load_predictor(str(run))
    assert predictor.output_names == ("arousal",)
    assert written.std() > 0.02
    for file in files:
        told = predictor.predict_file(file)
        assert list(told) == ["arousal"]
        # The CSV has 6 decimals; alone and in a batch of 5 float32 sums differ by some 1e-6 of values about 4.
        assert told["arousal"] == pytest.approx(written[str(file)], abs=1e-5)
        again = predictor.predict_samples(predictor.read(file).samples)
        assert again == told
    alone = ["--checkpoint", str(run), "--output", str(tmp_path / "alone.csv"), str(files[0])]
    main(alone)
    assert f"{predictor.predict_file(files[0])['arousal']:.6f}" in (tmp_path / "alone.csv").read_text()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such checkpoint"),
        (b"not a checkpoint", "cannot be read as a checkpoint"),
        ({"state_dict": {}}, "not a checkpoint of emocluster's"),
        ([1, 2], "holds a list"),
    ],
)
def test_what_is_no_checkpoint_is_told(content, message, tmp_path):
    path = tmp_path / "x.ckpt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(DataError, match=message):
        load_predictor(path)


def test_a_checkpoint_cannot_name_any_class(run, tmp_path):
    content = read_checkpoint(run / "checkpoints" / "best.ckpt")
    content["model_class"] = "os.system"
    torch.save(content, tmp_path / "x.ckpt")
    with pytest.raises(DataError, match="is not one of sermodels"):
        load_predictor(tmp_path / "x.ckpt")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.wav"], "no such file or folder"),
        (["--checkpoint", "RUN", "AUDIO"], "arousal would come from more than one checkpoint"),
        (["EMPTY"], "no audio files found"),
    ],
)
def test_wrong_arguments_end_with_a_sentence(arguments, message, run, tmp_path, capsys):
    soundfile.write(tmp_path / "a.wav", np.zeros(20_000), 16000)
    (tmp_path / "empty").mkdir()
    places = {"RUN": str(run), "AUDIO": str(tmp_path / "a.wav"), "EMPTY": str(tmp_path / "empty")}
    with pytest.raises(SystemExit) as caught:
        main(
            [
                "--checkpoint",
                str(run),
                "--output",
                str(tmp_path / "p.csv"),
                *(places.get(a, a) for a in arguments),
            ]
        )
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def part_of(output, models):
    return output.with_name(f"{output.name}.{predictions_csv._digest(models)}.part")


def test_rows_of_another_commands_files_and_torn_rows_are_not_taken(run, tmp_path):
    models = [load_predictor(run)]
    wanted = tmp_path / "wanted.wav"
    soundfile.write(wanted, np.random.default_rng(0).normal(0, 0.1, 20_000), 16000)
    output = tmp_path / "p.csv"
    part_of(output, models).write_text(f"file,arousal,duration_s,status\n/other/a.wav,9.9,1.0,ok\n{wanted},9.9,1.0,o")
    assert predict_to_csv(models, [wanted], output) == (1, 0)
    (row,) = csv.DictReader(output.open())
    assert row["file"] == str(wanted)
    assert row["arousal"] != "9.9"


@pytest.mark.parametrize("place", ["a_folder", "a_file/p.csv"])
def test_an_output_that_cannot_be_written_is_told_before_the_work(place, run, tmp_path, capsys):
    soundfile.write(tmp_path / "a.wav", np.zeros(20_000), 16000)
    (tmp_path / "a_folder").mkdir()
    (tmp_path / "a_file").touch()
    with pytest.raises(SystemExit) as caught:
        main(["--checkpoint", str(run), "--output", str(tmp_path / place), str(tmp_path / "a.wav")])
    assert caught.value.code == 2
    assert "--output" in capsys.readouterr().err


def test_a_name_that_is_not_utf8_is_shown_with_escapes(run, tmp_path):
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).normal(0, 0.1, 20_000), 16000)
    name = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    try:
        (tmp_path / "a.wav").rename(name)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert predict_to_csv([load_predictor(run)], [name], tmp_path / "p.csv") == (1, 0)
    (row,) = csv.DictReader((tmp_path / "p.csv").open())
    assert row["file"].endswith("caf\\xe9.wav")
