"""What is told of recordings in windows: each is a recording of its own."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from recordings import noise, predicted

from experiments.results import load_predictor


def test_a_recording_that_is_refused_as_a_whole_has_one_window(run, tmp_path):
    soundfile.write(tmp_path / "slow.wav", np.zeros(32_000), 1)  # nine hours, by its header
    good = noise(tmp_path / "good.wav", 1.5)
    slow, fine = predicted(run, tmp_path / "p.csv", "--windows", tmp_path / "slow.wav", good)
    assert "1 samples a second by its header" in slow["status"]
    assert fine["arousal"]


def test_windows_of_a_long_recording(run, tmp_path):
    """Each window's row is that of the window as a file of its own."""
    recording = noise(tmp_path / "long.wav", 7.0)
    rows = predicted(run, tmp_path / "p.csv", "--windows", recording)
    assert list(rows[0]) == ["file", "start_s", "arousal", "duration_s", "status"]
    assert [(row["start_s"], row["duration_s"]) for row in rows] == [
        (f"{start:.3f}", "1.750") for start in (0, 1.75, 3.5, 5.25)
    ]
    samples, rate = soundfile.read(recording)
    for number, row in enumerate(rows):
        soundfile.write(tmp_path / "part.wav", samples[number * 28_000 : (number + 1) * 28_000], rate)
        assert float(row["arousal"]) == pytest.approx(
            load_predictor(run).predict_file(tmp_path / "part.wav")["arousal"], abs=1e-4
        )
        assert row["status"] == "ok"


def test_windows_of_a_recording_whose_name_is_not_utf8(run, tmp_path):
    name = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    try:
        noise(tmp_path / "a.wav", 7.0).rename(name)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert len(predicted(run, tmp_path / "p.csv", "--windows", name)) == 4
