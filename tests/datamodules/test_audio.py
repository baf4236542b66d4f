"""Reading audio: what is tolerated with a note, and what is refused with a sentence."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from datamodules.audio import UnreadableAudio, read_audio

RATE = 16000


def tone(seconds: float, rate: int, hertz: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def test_mono_16k_is_read_as_it_is(tmp_path: Path) -> None:
    whole = np.random.default_rng(0).integers(-(2**15), 2**15, 4000).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", whole, RATE)
    audio = read_audio(tmp_path / "a.wav")
    assert audio.samples.dtype == np.float32
    np.testing.assert_array_equal(audio.samples, whole / 32768)
    assert audio.seconds == 0.25
    assert audio.notes == ()


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("form", ["a.wav/PCM_16", "a.wav/PCM_24", "a.wav/FLOAT", "a.flac/PCM_16", "a.aiff/PCM_16"])
def test_samples_are_to_the_bit_what_the_decoder_makes_of_them(tmp_path: Path, form: str, channels: int) -> None:
    name, subtype = form.split("/")
    whole = np.random.default_rng(0).integers(-(2**15), 2**15, (4000, channels)).astype(np.int16)
    soundfile.write(tmp_path / name, whole, RATE, subtype=subtype)
    decoded, _ = soundfile.read(tmp_path / name, dtype="float32", always_2d=True)
    np.testing.assert_array_equal(read_audio(tmp_path / name).samples, decoded.mean(axis=1))


def test_formats_that_cannot_be_sought_in_are_read_from_their_beginning(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(0.5, RATE), RATE, subtype="GSM610")
    decoded, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")
    np.testing.assert_array_equal(read_audio(tmp_path / "a.wav").samples, decoded)


def test_channels_are_averaged(tmp_path: Path) -> None:
    left, right = tone(0.5, RATE), tone(0.5, RATE, 1000.0)
    soundfile.write(tmp_path / "a.wav", np.stack([left, right], 1), RATE, subtype="FLOAT")
    audio = read_audio(tmp_path / "a.wav")
    np.testing.assert_allclose(audio.samples, (left + right) / 2, atol=1e-7)
    assert audio.notes == ("stereo",)


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_another_rate_is_resampled(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "a.wav", tone(1.0, rate), rate, subtype="FLOAT")
    audio = read_audio(tmp_path / "a.wav")
    assert audio.notes == (f"resampled from {rate} Hz",)
    assert len(audio.samples) == RATE
    inner = slice(RATE // 10, -RATE // 10)  # the filter rings at the ends
    np.testing.assert_allclose(audio.samples[inner], tone(1.0, RATE)[inner], atol=1e-3)


def test_part_of_a_file_is_counted_at_its_own_rate(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, 44100)
    soundfile.write(tmp_path / "a.flac", samples, 44100)
    piece = read_audio(tmp_path / "a.flac", 44100, 1000, 3000)
    np.testing.assert_allclose(piece.samples, samples[1000:3000], atol=1e-4)
    assert read_audio(tmp_path / "a.flac", RATE, 0, 22050).seconds == pytest.approx(0.5)


def test_silence_is_allowed(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE), RATE)
    assert read_audio(tmp_path / "a.wav").notes == ("digital silence",)


def test_a_wav_from_a_pipe_promises_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(0.5, RATE), RATE)
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = struct.pack("<I", 0xFFFFFFFF)
    path.write_bytes(data)
    assert len(read_audio(path).samples) == RATE // 2


def cut_in_half(path: Path, suffix: str) -> Path:
    path = path.with_suffix(suffix)
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, RATE), RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def with_sample(path: Path, value: float) -> Path:
    samples = tone(0.5, RATE)
    samples[100] = value
    soundfile.write(path.with_suffix(".wav"), samples, RATE, subtype="FLOAT")
    return path.with_suffix(".wav")


def with_bytes(path: Path, data: bytes) -> Path:
    path.with_suffix(".wav").write_bytes(data)
    return path.with_suffix(".wav")


def no_mp3(path: Path) -> Path:
    path.with_suffix(".mp3").write_bytes(np.random.default_rng(0).bytes(5000))
    return path.with_suffix(".mp3")


def with_length(path: Path, count: int, rate: int = RATE) -> Path:
    soundfile.write(path.with_suffix(".wav"), tone(1, rate)[:count], rate)
    return path.with_suffix(".wav")


@pytest.mark.faults
@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda p: p, "no such file"),
        (lambda p: with_bytes(p, b""), "cannot be read as audio"),
        (lambda p: with_bytes(p, b"not audio at all" * 99), "cannot be read as audio"),
        (lambda p: with_bytes(p, b"RIFF\x24\x00\x00\x00WAVEfmt "), "cannot be read as audio"),
        (lambda p: with_length(p, 0), "no samples"),
        (lambda p: with_length(p, 1, 96_000), "only 0 samples at 16000 Hz, fewer than the 257"),
        (lambda p: with_length(p, 256), "only 256 samples at 16000 Hz, fewer than the 257"),
        (lambda p: with_sample(p, np.nan), "NaN or infinite"),
        (lambda p: with_sample(p, -np.inf), "NaN or infinite"),
        (lambda p: cut_in_half(p, ".wav"), "cut off: 7989 samples where its header promises 16000"),
        (lambda p: cut_in_half(p, ".aiff"), "cut off: 7986 samples where its header promises 15994"),
        (lambda p: cut_in_half(p, ".au"), "cut off: 7994 samples where its header promises 16000"),
        (lambda p: cut_in_half(p, ".w64"), "cut off: 7974 samples, and its header promises more"),
        (lambda p: cut_in_half(p, ".rf64"), "cut off: 7974 samples, and its header promises more"),
        (lambda p: cut_in_half(p, ".flac"), "cannot be read as audio"),
        (lambda p: cut_in_half(p, ".mp3"), "cut off"),
        (no_mp3, "cannot be read as audio (nothing that a decoder knows)"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence(tmp_path: Path, make, fault: str) -> None:
    path = make(tmp_path / "broken")
    with pytest.raises(UnreadableAudio) as caught:
        read_audio(path, min_samples=257)
    assert caught.value.fault.startswith(fault)
    assert str(caught.value) == f"{path}: {caught.value.fault}; {caught.value.remedy}."
    assert "\n" not in str(caught.value)
    assert caught.value.remedy


def test_samples_that_are_no_longer_there(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(0.5, RATE), RATE)
    with pytest.raises(UnreadableAudio, match="samples 4000 to 9000 were asked for, it has 8000"):
        read_audio(tmp_path / "a.wav", RATE, 4000, 9000)


@pytest.mark.parametrize(
    ("kept", "fault"),
    [
        (44, "cut off: nothing follows its header"),
        (-1, "cut off: 999 samples where its header promises 1000"),
        (-400, "cut off: 800 samples where its header promises 1000"),
    ],
)
def test_what_a_cut_wav_promised_is_told_in_samples(kept: int, fault: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(1000, 0.1), 16000, subtype="PCM_16")
    (tmp_path / "a.wav").write_bytes((tmp_path / "a.wav").read_bytes()[:kept])
    with pytest.raises(UnreadableAudio) as caught:
        read_audio(tmp_path / "a.wav")
    assert caught.value.fault == fault
