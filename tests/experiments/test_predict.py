import csv
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from datamodules.errors import DataError
from experiments.evaluation import predict_set
from experiments.loading import load_trained, read_checkpoint
from experiments.predict import main, predict_to_csv
from experiments.training import train


@pytest.fixture
def run(tiny, composed):
    """A finished run whose predictions differ between files by far more than the tolerances below."""
    directory = train(composed(*tiny, "rounds=1"), [])[1]
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
    import experiments.predict as predict

    files = []
    for number in range(5):
        files.append(tmp_path / f"{number}.wav")
        soundfile.write(files[-1], np.random.default_rng(number).normal(0, 0.1, 20_000), 16000)
    models = [load_trained(run)]
    predict_to_csv(models, files, tmp_path / "whole.csv")
    monkeypatch.setattr(predict, "FILES_AT_ONCE", 2)
    heard = []
    original = predict._hear

    def hear(models, path):
        if len(heard) == 3:
            raise KeyboardInterrupt
        heard.append(path)
        return original(models, path)

    with monkeypatch.context() as patched:
        patched.setattr(predict, "_hear", hear)
        with pytest.raises(KeyboardInterrupt):
            predict_to_csv(models, files, tmp_path / "p.csv")
    assert not (tmp_path / "p.csv").exists()
    asked = []
    monkeypatch.setattr(predict, "_hear", lambda m, path: (asked.append(path), original(m, path))[1])
    assert predict_to_csv(models, files, tmp_path / "p.csv") == (5, 0)
    assert asked == files[2:]
    whole, parts = pd.read_csv(tmp_path / "whole.csv"), pd.read_csv(tmp_path / "p.csv")
    assert whole["arousal"].std() > 0.02
    # Other batch sizes, other order of float32 sums.
    np.testing.assert_allclose(whole["arousal"], parts["arousal"], atol=1e-4)


def test_predicting_from_audio_equals_predicting_from_the_store(run, tiny, composed):
    """Up to the store's float16: 11 bits of a power, through a network with gains of order one."""
    from experiments.assembly import make_datamodule
    from experiments.data import prepare_data

    data = prepare_data(composed(*tiny))
    datamodule = make_datamodule(composed(*tiny), data)
    trained = load_trained(run)
    stored = predict_set(trained.model, datamodule, "test1").set_index("utterance_id")["prediction"]
    assert stored.std() > 0.05
    rows = data.corpus.rows("test1").set_index("utterance_id")
    front_end = trained.front_end
    for name, path in rows["path"].items():
        with torch.no_grad():
            value = trained.model(front_end.chunks_of_file(data.corpus.root / path)[None]).item()
        direct = value * front_end.label_std["arousal"] + front_end.label_mean["arousal"]
        assert direct == pytest.approx(stored[name], abs=2e-3)


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
        load_trained(path)


def test_a_checkpoint_cannot_name_any_class(run, tmp_path):
    content = read_checkpoint(run / "checkpoints" / "best.ckpt")
    content["model_class"] = "os.system"
    torch.save(content, tmp_path / "x.ckpt")
    with pytest.raises(DataError, match="not one of emocluster's"):
        load_trained(tmp_path / "x.ckpt")


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
    from experiments.predict import _digest

    return output.with_name(f"{output.name}.{_digest(models)}.part")


def test_rows_of_another_commands_files_and_torn_rows_are_not_taken(run, tmp_path):
    models = [load_trained(run)]
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
    assert predict_to_csv([load_trained(run)], [name], tmp_path / "p.csv") == (1, 0)
    (row,) = csv.DictReader((tmp_path / "p.csv").open())
    assert row["file"].endswith("caf\\xe9.wav")
