"""What is told of recordings besides a number each: their chunks, their embeddings, their pictures."""

import shutil
from dataclasses import replace

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from recordings import predicted

from datamodules.errors import DataError
from experiments.results import load_predictor, predictions_csv, telling
from experiments.results.predictions_csv import Wanted, predict_to_csv

GOOD = ("a/x.wav", "b/x.wav", "y.wav")


@pytest.fixture
def audio(tmp_path):
    """Two recordings of one name, one of another, and one that is none; they grow louder."""
    for number, name in enumerate(GOOD):
        path, length = tmp_path / "audio" / name, 20_000 + 4_000 * number
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = np.random.default_rng(number).normal(0, 0.1, length) * np.linspace(0.1, 1, length)
        soundfile.write(path, samples, 16000)
    (tmp_path / "audio" / "broken.wav").write_bytes(b"RIFF and nothing more")
    return tmp_path / "audio"


def test_a_row_a_chunk(run, audio, tmp_path):
    rows = predicted(run, tmp_path / "chunks.csv", "--chunks", audio)
    assert list(rows[0]) == ["file", "start_s", "end_s", "arousal", "duration_s", "status"]
    predictor = load_predictor(run)
    means = {row["file"]: float(row["arousal"]) for row in predicted(run, tmp_path / "p.csv", audio) if row["arousal"]}
    settings = predictor.front_end.chunks
    for name in GOOD:
        path = audio / name
        own = [row for row in rows if row["file"] == str(path)]
        assert len(own) == settings.num_chunks
        starts, ends = ([float(row[column]) for row in own] for column in ("start_s", "end_s"))
        # Frames of 16 ms, the first centred on 0: rounding down leaves C - 1 of them at most behind the last chunk.
        assert starts[0] == 0
        assert starts == sorted(starts)
        assert ends[-1] == pytest.approx(float(own[0]["duration_s"]), abs=0.016 * settings.num_chunks)
        told = [float(row["arousal"]) for row in own]
        assert np.mean(told) == pytest.approx(means[str(path)], abs=1e-5)
        assert np.std(told) > 0
        # A chunk is told what it is told alone; batches of other sizes differ in float32's last bits.
        inputs = predictor.front_end.chunks_of(predictor.read(path).samples)
        alone = predictor.predict_inputs([inputs[-1:]])[0]
        assert told[-1] == pytest.approx(alone["arousal"], abs=1e-4)
    (broken,) = (row for row in rows if row["file"].endswith("broken.wav"))
    assert broken["arousal"] == broken["end_s"] == ""
    assert "broken.wav" in broken["status"]


def test_chunks_of_windows_lie_in_the_recording(run, tmp_path):
    soundfile.write(tmp_path / "long.wav", np.random.default_rng(0).normal(0, 0.1, 112_000), 16000)
    rows = predicted(run, tmp_path / "p.csv", "--windows", "--chunks", tmp_path / "long.wav")
    starts = [float(row["start_s"]) for row in rows]
    assert starts == sorted(starts)
    assert {1.75 * number for number in range(4)} <= set(starts)
    assert 6.5 < max(float(row["end_s"]) for row in rows) <= 7


def test_embeddings_are_the_models_own(run, audio, tmp_path):
    table = tmp_path / "e.parquet"
    rows = predicted(run, tmp_path / "p.csv", "--embeddings", table, audio)
    told = pd.read_parquet(table).set_index("file")
    assert list(told.index) == [row["file"] for row in rows if row["arousal"]]
    assert list(told) == [f"e{number}" for number in range(told.shape[1])]
    assert (told.dtypes == "float32").all()
    predictor = load_predictor(run)
    for path, vector in told.iterrows():
        with torch.no_grad():
            latents = predictor.model.latents(predictor.front_end.chunks_of(predictor.read(path).samples)[None])
        np.testing.assert_allclose(vector.to_numpy(), latents[0].mean(0).numpy(), atol=1e-4)
    assert told.std().mean() > 0


def test_an_interruption_costs_neither_chunks_nor_embeddings(run, audio, tmp_path, monkeypatch):
    wanted = Wanted(chunks=True, embeddings=tmp_path / "e.parquet")
    models, files = [load_predictor(run)], [audio / name for name in GOOD]
    monkeypatch.setattr(predictions_csv, "SPANS_AT_ONCE", 1)
    predict_to_csv(models, files, tmp_path / "p.csv", wanted)
    whole, vectors = (tmp_path / "p.csv").read_bytes(), pd.read_parquet(tmp_path / "e.parquet")
    heard, original = [], telling.hear

    def hear(front_ends, span):
        if len(heard) == 2:
            raise KeyboardInterrupt
        heard.append(span.path)
        return original(front_ends, span)

    (tmp_path / "p.csv").unlink()
    with monkeypatch.context() as patched:
        patched.setattr(telling, "hear", hear)
        with pytest.raises(KeyboardInterrupt):
            predict_to_csv(models, files, tmp_path / "p.csv", wanted)
    again = []
    monkeypatch.setattr(telling, "hear", lambda ends, span: (again.append(span.path), original(ends, span))[1])
    # Without chunks it is another command, and takes nothing of this one.
    predict_to_csv(models, files, tmp_path / "p.csv")
    assert again == files
    again.clear()
    predict_to_csv(models, files, tmp_path / "p.csv", wanted)
    assert again == files[2:]
    assert (tmp_path / "p.csv").read_bytes() == whole
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "e.parquet"), vectors)


def test_a_picture_a_recording(run, audio, tmp_path):
    shutil.copy(audio / "y.wav", audio / "cost $5 $6.wav")
    predicted(run, tmp_path / "p.csv", "--plots", tmp_path / "plots", audio)
    pictures = sorted((tmp_path / "plots").iterdir())
    assert len(pictures) == 4
    assert sum(one.name.startswith("x-") for one in pictures) == 2
    assert {"y.png", "cost $5 $6.png"} <= {one.name for one in pictures}
    for one in pictures:
        pixels = matplotlib.image.imread(one)[..., :3]
        # The curve's blue (0, 114, 178) is in it, and most of it is paper.
        assert (np.abs(pixels - np.array([0, 114, 178]) / 255).sum(-1) < 0.02).sum() > 300
        assert (pixels == 1).all(-1).mean() > 0.5


@pytest.mark.parametrize(
    ("option", "place", "said"),
    [
        ("--embeddings", "p.csv", "is the CSV, too; give another place to --embeddings"),
        ("--embeddings", "audio", "is a folder; give the name of a file to --embeddings"),
        ("--embeddings", "audio/y.wav", "is one of the recordings; give another place to --embeddings"),
        ("--plots", "audio/y.wav", "cannot be written (File exists); give another place to --plots"),
    ],
)
def test_places_that_cannot_be_are_told_before_the_work(option, place, said, run, audio, tmp_path, capsys):
    before = (audio / "y.wav").read_bytes()
    with pytest.raises(SystemExit) as ended:
        predicted(run, tmp_path / "p.csv", option, tmp_path / place, audio)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert (audio / "y.wav").read_bytes() == before


def test_what_several_models_cannot_tell_together_is_refused(run, audio, tmp_path):
    first, second = load_predictor(run), load_predictor(run)
    second.model.task.output_names = ("valence",)
    models, files = [first, second], [audio / "y.wav"]
    with pytest.raises(DataError, match="--embeddings: are one model's"):
        predict_to_csv(models, files, tmp_path / "p.csv", Wanted(embeddings=tmp_path / "e"))
    longer = replace(second.front_end, chunks=replace(second.front_end.chunks, max_seconds=3.0))
    with pytest.raises(DataError, match="--chunks: the checkpoints cut recordings into different chunks"):
        predict_to_csv([first, replace(second, front_end=longer)], files, tmp_path / "p.csv", Wanted(chunks=True))
    assert not (tmp_path / "p.csv").exists()
