"""Predictions of recordings as a table: what is told, and what is refused."""

import csv
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from recordings import noise, predicted

from datamodules.names import unescaped
from datamodules.patience import Patience
from experiments.predict import main
from experiments.results import hearing, load_predictor, loading
from experiments.results.predictions_csv import predict_to_csv
from experiments.results.scoring import predict_set
from experiments.training.data import fitted_task, make_datamodule, prepare_data
from experiments.training.threads import take_threads
from sermodels.parts import make
from sermodels.tasks.task import Task


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
    shown = capsys.readouterr().out
    assert "3 files predicted (3 with a warning), 1 not (see the column status)" in shown
    assert "; 1 files that are no audio were passed over: " in shown
    rows = {row["file"].rsplit("/", 1)[-1]: row for row in csv.DictReader((tmp_path / "out" / "p.csv").open())}
    assert set(rows) == {"b.wav", "a.flac", "short.wav", "broken.wav"}
    assert list(rows["b.wav"]) == ["file", "arousal", "duration_s", "status"]
    assert rows["b.wav"]["duration_s"] == "2.500"
    assert all(float(rows[name]["arousal"]) for name in ("b.wav", "a.flac", "short.wav"))
    assert rows["b.wav"]["status"] == "warning: longer than 2 s: 2 of its 2.5 s are heard"
    assert rows["a.flac"]["status"].startswith("warning: stereo; resampled from 44100 Hz; shorter than a chunk of 1 s")
    assert rows["short.wav"]["status"] == "warning: shorter than a chunk of 1 s, and repeated to fill it"
    assert "broken.wav" in rows["broken.wav"]["status"]
    assert rows["broken.wav"]["arousal"] == ""
    assert not list((tmp_path / "out").glob("*.part"))


def test_a_prediction_that_is_no_number_is_told(run, tmp_path, capsys, monkeypatch):
    # As if it gave a number for silence, with which a model is tried when it is loaded.
    monkeypatch.setattr(loading, "_tried", lambda one: replace(one, model=one.model.eval()))
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
    assert predict_to_csv([load_predictor(run)], [name], tmp_path / "p.csv") == (1, 0, 0)
    (row,) = csv.DictReader((tmp_path / "p.csv").open())
    assert row["file"].endswith("caf\\xe9.wav")


def test_an_output_that_is_one_of_the_recordings_is_refused(run, tmp_path, capsys):
    recording = noise(tmp_path / "audio" / "a.wav", 1.5)
    (tmp_path / "link.csv").symlink_to(recording)
    os.link(recording, tmp_path / "hard.csv")
    before = recording.read_bytes()
    for output in (
        recording,
        tmp_path / "link.csv",
        tmp_path / "hard.csv",
        tmp_path / "audio" / ".." / "audio" / "a.wav",
    ):
        with pytest.raises(SystemExit) as ended:
            predicted(run, output, tmp_path / "audio")
        assert ended.value.code == 2
        assert "is one of the recordings; give another place to --output" in capsys.readouterr().err
    assert recording.read_bytes() == before


def test_an_output_that_is_no_file_is_refused_and_a_link_is_followed(run, tmp_path, capsys):
    recording = noise(tmp_path / "a.wav", 1.5)
    os.mkfifo(tmp_path / "pipe")
    for output in (Path("/dev/null"), tmp_path / "pipe"):
        with pytest.raises(SystemExit):
            predicted(run, output, recording)
        assert "is no file but a device or the like" in capsys.readouterr().err
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "p.csv"
    link.symlink_to(tmp_path / "elsewhere" / "real.csv")
    assert len(predicted(run, link, recording)) == 1
    assert link.is_symlink()
    assert (tmp_path / "elsewhere" / "real.csv").is_file()


@pytest.mark.parametrize("place", ["output", "audio"])
def test_names_too_long_are_told(place, run, tmp_path, capsys):
    recording, long = noise(tmp_path / "a.wav", 1.5), "x" * 300
    arguments = (tmp_path / long, recording) if place == "output" else (tmp_path / "p.csv", tmp_path / long)
    with pytest.raises(SystemExit) as ended:
        predicted(run, *arguments)
    assert ended.value.code == 2
    assert "too long" in capsys.readouterr().err


def test_links_that_lead_to_themselves_are_passed_over(run, tmp_path):
    folder = noise(tmp_path / "audio" / "a.wav", 1.5).parent
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "up").symlink_to(folder)
    assert len(predicted(run, tmp_path / "p.csv", folder)) == 1


def claims(path, frames):
    """A FLAC file whose header claims so many samples: 36 bits from bit 108 of its first block on."""
    noise(path, 1.5)
    content = bytearray(path.read_bytes())
    packed = int.from_bytes(content[18:26], "big")
    content[18:26] = ((packed >> 36 << 36) | frames).to_bytes(8, "big")
    path.write_bytes(content)
    return path


def test_a_recording_that_claims_gigabytes_costs_itself_alone(run, tmp_path):
    """In a process with 3 GB of memory in all."""
    folder = noise(tmp_path / "audio" / "fine.wav", 1.5).parent
    claims(folder / "claims.flac", 2**36 - 1)
    noise(folder / "slow.wav", 3000, rate=1)
    soundfile.write(folder / "long.flac", np.zeros((1500 * 8000, 8), np.int16), 8000)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_DATA, (3 * 2**30,) * 2)"
    code = f"{limit}; from experiments.predict import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--checkpoint", run, "--output", tmp_path / "p.csv", "--threads=1", folder],
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = {row["file"].rsplit("/", 1)[-1]: row for row in csv.DictReader((tmp_path / "p.csv").open())}
    assert rows["fine.wav"]["status"] == "ok"
    assert "1 samples a second by its header, fewer than the 1000 of any speech" in rows["slow.wav"]["status"]
    for name in ("claims.flac", "long.flac"):
        assert "more than the 1200 s that are read; cut it into shorter files" in rows[name]["status"], rows[name]
        assert rows[name]["arousal"] == ""


def test_what_is_heard_of_a_recording_is_told(run, tmp_path):
    folder = noise(tmp_path / "audio" / "ok.wav", 1.5).parent
    noise(folder / "silence.wav", 1.5, level=0)
    noise(folder / "long.wav", 8.0)
    noise(folder / "rate.wav", 1.5, rate=8000)
    rows = {row["file"].rsplit("/", 1)[-1]: row["status"] for row in predicted(run, tmp_path / "p.csv", folder)}
    assert rows == {
        "ok.wav": "ok",
        "silence.wav": "warning: digital silence",
        "long.wav": "warning: longer than 2 s: 2 of its 8.0 s are heard",
        "rate.wav": "warning: resampled from 8000 Hz",
    }


@pytest.mark.faults
def test_a_decoder_that_never_ends_costs_its_own_recording(run, tmp_path, monkeypatch):
    folder, real = noise(tmp_path / "audio" / "a.wav", 1.5).parent, hearing.read_audio
    noise(folder / "endless.wav", 1.5)
    noise(folder / "z.wav", 1.5)

    def endless(path, *options):
        return threading.Event().wait() if path.name == "endless.wav" else real(path, *options)

    monkeypatch.setattr(hearing, "read_audio", endless)
    monkeypatch.setattr(hearing, "_within", cache(lambda: Patience(1.0)))
    rows = {row["file"].rsplit("/", 1)[-1]: row["status"] for row in predicted(run, tmp_path / "p.csv", folder)}
    assert rows["a.wav"] == rows["z.wav"] == "ok"
    assert rows["endless.wav"].endswith("reading it did not end within 1 s; convert it to wav, or leave it out.")


@pytest.mark.faults
def test_what_cannot_be_read_has_a_row_and_a_remedy_that_keeps_it(run, tmp_path):
    folder = noise(tmp_path / "audio" / "ok.wav", 1.5).parent
    (folder / "lost.wav").symlink_to(tmp_path / "gone.wav")
    (folder / "disk.wav").symlink_to("/proc/self/mem")  # refused with EIO
    os.mkfifo(folder / "pipe.wav")
    rows = {row["file"].rsplit("/", 1)[-1]: row["status"] for row in predicted(run, tmp_path / "p.csv", folder)}
    assert rows["ok.wav"] == "ok"
    assert "lost.wav: a link that leads nowhere; restore it" in rows["lost.wav"]
    assert "pipe.wav: a folder, a pipe or a device, and no file" in rows["pipe.wav"]
    assert "disk.wav: cannot be read (Input/output error); give this user the right" in rows["disk.wav"]


def test_a_prediction_out_of_the_scale_is_told(run, tmp_path):
    best = run / "checkpoints" / "best.ckpt"
    content = torch.load(best, weights_only=True)
    content["state_dict"]["emotion_regressor.top.bias"] += 100
    torch.save(content, best)
    (row,) = predicted(run, tmp_path / "p.csv", noise(tmp_path / "a.wav", 1.5))
    assert float(row["arousal"]) > 7
    assert row["status"] == "warning: arousal is out of the scale 1 to 7"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--threads", "0"], "--threads 0"), (["--device", "tpu9"], "--device tpu9: cannot be used")],
)
def test_threads_and_devices_that_are_none_are_told(arguments, said, run, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        predicted(run, tmp_path / "p.csv", *arguments, noise(tmp_path / "a.wav", 1.5))
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_threads_are_those_that_were_chosen_or_are_idle(monkeypatch):
    assert take_threads(2) == torch.get_num_threads() == 2
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    for busy, threads in ((0.0, 2), (6.6, 1), (20.0, 1)):
        monkeypatch.setattr(os, "getloadavg", lambda busy=busy: (busy, 0.0, 0.0))
        torch.set_num_threads(2)
        assert take_threads(None) == threads


def test_an_output_that_is_a_file_of_the_model_is_refused(run, tmp_path, capsys):
    recording, best = noise(tmp_path / "a.wav", 1.5), run / "checkpoints" / "best.ckpt"
    alone = Path(shutil.copy(best, tmp_path / "m.ckpt"))
    for model, output in ((run, best), (alone, alone)):
        before = output.read_bytes()
        with pytest.raises(SystemExit) as ended:
            predicted(model, output, recording)
        assert ended.value.code == 2
        assert "is a file of a model; give another place to --output" in capsys.readouterr().err
        assert output.read_bytes() == before


def test_a_link_that_leads_to_itself_is_no_output(run, tmp_path, capsys):
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    with pytest.raises(SystemExit):
        predicted(run, tmp_path / "loop.csv", noise(tmp_path / "a.wav", 1.5))
    assert "leads back to itself" in capsys.readouterr().err


def test_names_of_every_kind_come_back_and_are_no_formulas(run, tmp_path):
    """Relative, as a user in the folder gives them."""
    wav = noise(tmp_path / "a.wav", 1.5)
    folder = tmp_path / "odd"
    folder.mkdir()
    names = [b"=1+1.wav", b"+x.wav", b"-x.wav", b"@x.wav", b"a\nb.wav", b"\xff.wav", b"back\\slash.wav"]
    for name in names:
        shutil.copy(wav, os.path.join(os.fsencode(folder), name))
    program = [
        sys.executable,
        "-m",
        "experiments.predict",
        "--checkpoint",
        str(run),
        "--output",
        str(tmp_path / "p.csv"),
    ]
    done = subprocess.run(
        [*program, "--output", str(tmp_path / "p.csv"), "--", *names],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader((tmp_path / "p.csv").open(newline="")))
    assert [os.fsencode(unescaped(row["file"])) for row in rows] == names
    for cell in (cell for row in rows for cell in row.values()):
        assert cell[0] not in "=+@\t\r"
        assert cell[0] != "-" or float(cell)
