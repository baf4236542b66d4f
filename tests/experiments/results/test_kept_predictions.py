"""What an interrupted prediction keeps, and what a command takes of it."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from recordings import noise

from datamodules.content import content_digest
from datamodules.errors import DataError
from experiments.results import load_predictor, predictions_csv, telling
from experiments.results.predicted import Predicted, ToldChunk
from experiments.results.predictions_csv import NOTHING_ELSE, Wanted, predict_to_csv


def part_of(output, models, wanted=NOTHING_ELSE):
    return output.with_name(f"{output.name}.{predictions_csv._digest(models, wanted)}.part")


def test_an_interrupted_prediction_goes_on(run, tmp_path, monkeypatch):
    files = []
    for number in range(5):
        files.append(tmp_path / f"{number}.wav")
        soundfile.write(files[-1], np.random.default_rng(number).normal(0, 0.1, 20_000), 16000)
    models = [load_predictor(run)]
    predict_to_csv(models, files, tmp_path / "whole.csv")
    monkeypatch.setattr(predictions_csv, "SPANS_AT_ONCE", 2)
    heard = []
    original = telling.hear

    def hear(front_ends, span):
        if len(heard) == 3:
            raise KeyboardInterrupt
        heard.append(span)
        return original(front_ends, span)

    with monkeypatch.context() as patched:
        patched.setattr(telling, "hear", hear)
        with pytest.raises(KeyboardInterrupt):
            predict_to_csv(models, files, tmp_path / "p.csv")
    assert not (tmp_path / "p.csv").exists()
    # One that has changed since is heard again; the others' rows are taken.
    soundfile.write(files[0], np.random.default_rng(9).normal(0, 0.1, 20_000), 16000)
    predict_to_csv(models, files, tmp_path / "whole.csv")
    asked = []
    monkeypatch.setattr(telling, "hear", lambda m, span: (asked.append(span.path), original(m, span))[1])
    assert predict_to_csv(models, files, tmp_path / "p.csv") == (5, 0, 0)
    # The changed one is asked first, then its batch, whose other row is the same again.
    assert asked == [files[0], *files]
    whole, parts = pd.read_csv(tmp_path / "whole.csv"), pd.read_csv(tmp_path / "p.csv")
    assert whole["arousal"].std() > 0.02
    # Other batch sizes, other order of float32 sums.
    np.testing.assert_allclose(whole["arousal"], parts["arousal"], atol=1e-4)


def test_what_goes_on_is_what_would_have_been_to_the_bit(run, tmp_path, monkeypatch):
    """Also where recordings that cannot be read, and are tried again, stand among the others."""
    files = []
    for number in range(9):
        files.append(tmp_path / f"{number}.wav")
        soundfile.write(files[-1], np.random.default_rng(number).normal(0, 0.1, 20_000 + 5_000 * number), 16000)
    for number in (1, 4):
        files[number].write_bytes(b"RIFF")
    monkeypatch.setattr(predictions_csv, "SPANS_AT_ONCE", 4)
    models = [load_predictor(run)]
    whole, parts = (Wanted(embeddings=tmp_path / f"{name}.parquet") for name in ("whole", "parts"))
    predict_to_csv(models, files, tmp_path / "whole.csv", whole)
    original, heard = telling.hear, []

    def hear(front_ends, span):
        heard.append(span)
        if len(heard) == 7:
            raise KeyboardInterrupt
        return original(front_ends, span)

    monkeypatch.setattr(telling, "hear", hear)
    with pytest.raises(KeyboardInterrupt):
        predict_to_csv(models, files, tmp_path / "parts.csv", parts)
    part = part_of(tmp_path / "parts.csv", models, parts)
    lines = part.read_text().splitlines(keepends=True)
    part.write_text("".join(lines[:-1]))  # as a kill leaves it that came while the first batch was written
    sizes = []

    def counted(models, spans, *wanted):
        sizes.append(len(spans))
        return telling.predict_spans(models, spans, *wanted)

    monkeypatch.setattr(predictions_csv, "predict_spans", counted)
    counts = predict_to_csv(models, files, tmp_path / "parts.csv", parts)
    assert (counts.good, counts.bad) == (7, 2)
    # Of the first batch one that cannot be read and the one that is gone; as that is good, then all; then the others.
    assert sizes == [2, 4, 4, 1]
    assert (tmp_path / "parts.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert (tmp_path / "parts.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_rows_of_another_commands_files_and_torn_rows_are_not_taken(run, tmp_path):
    models = [load_predictor(run)]
    wanted = tmp_path / "wanted.wav"
    soundfile.write(wanted, np.random.default_rng(0).normal(0, 0.1, 20_000), 16000)
    output = tmp_path / "p.csv"
    other = Predicted(Path("/other/a.wav"), 0.0, 1.0, {"arousal": 9.9}, "ok", content_digest(wanted)).line()
    torn = other.replace("/other/a.wav", str(wanted))[:-40]
    part_of(output, models).write_text(other + torn)
    assert predict_to_csv(models, [wanted], output) == (1, 0, 0)
    (row,) = csv.DictReader(output.open())
    assert row["file"] == str(wanted)
    assert row["arousal"] != "9.9"


@pytest.mark.faults
def test_what_was_kept_stays_until_the_end_and_is_one_commands(run, tmp_path, monkeypatch):
    models, folder = [load_predictor(run)], tmp_path / "audio"
    files = [noise(folder / f"{number}.wav", 1.5) for number in range(3)]
    part = part_of(tmp_path / "p.csv", models)
    first = Predicted(files[0], 0.0, 1.5, {"arousal": 4.125}, "ok", content_digest(files[0])).line()
    part.write_text(first + first[:50])  # and a torn one
    seen = []

    def another(*arguments):
        seen.append(part.read_text())
        with pytest.raises(DataError, match=r"p\.csv: another process is at the same work"):
            predict_to_csv(models, files, tmp_path / "p.csv")
        return telling.predict_spans(*arguments)

    monkeypatch.setattr(predictions_csv, "predict_spans", another)
    assert predict_to_csv(models, files, tmp_path / "p.csv") == (3, 0, 0)
    assert seen
    assert all(text.startswith(first) for text in seen)
    rows = list(csv.DictReader((tmp_path / "p.csv").open()))
    assert rows[0]["arousal"] == "4.125000"
    assert len(rows) == 3


@pytest.mark.faults
def test_what_was_told_of_a_thousand_chunks_is_taken_up(run, tmp_path):
    """Its line is longer than the 131,072 letters that Python's csv reads in a cell."""
    models, recording = [load_predictor(run)], noise(tmp_path / "a.wav", 1.5)
    values = {"arousal": 4.125, "dominance": 1 / 3, "valence": 2 / 3}
    chunks = [ToldChunk(float(number), number + 1.0, values) for number in range(2000)]
    one = Predicted(recording, 0.0, 2000.0, {"arousal": 4.125}, "ok", content_digest(recording), chunks)
    part = part_of(tmp_path / "p.csv", models, Wanted(chunks=True))
    part.write_text(one.line())
    assert len(one.line()) > 131_072
    assert predict_to_csv(models, [recording], tmp_path / "p.csv", Wanted(chunks=True)) == (1, 0, 0)
    assert len(list(csv.DictReader((tmp_path / "p.csv").open()))) == 2000
    assert not part.exists()
