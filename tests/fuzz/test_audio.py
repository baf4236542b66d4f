"""Whatever a file of sound holds: finite samples, or one sentence of ours."""

import io

import numpy as np
import pytest
import soundfile
from damaged_bytes import edits, fuzzed
from hypothesis import given
from hypothesis import strategies as st

from datamodules.audio import UnreadableAudio, read_audio

pytestmark = pytest.mark.faults


def recorded(kind: str, subtype: str, channels: int = 1) -> bytes:
    samples = np.random.default_rng(0).normal(0, 0.1, (3000, channels))
    file = io.BytesIO()
    soundfile.write(file, samples, 16000, format=kind, subtype=subtype)
    return file.getvalue()


FILES = [
    recorded("WAV", "PCM_16"),
    recorded("WAV", "FLOAT", 2),
    recorded("WAV", "ULAW"),
    recorded("FLAC", "PCM_16"),
    recorded("OGG", "VORBIS"),
    recorded("AIFF", "PCM_24"),
]


def heads(data: bytes) -> st.SearchStrategy[bytes]:
    """Edits of the header, where the rates, lengths and widths stand."""
    return edits(data[:80]).map(lambda head: head + data[80:])


@fuzzed
@given(st.binary(max_size=300) | st.sampled_from(FILES).flatmap(edits) | st.sampled_from(FILES).flatmap(heads))
def test_samples_or_a_sentence(tmp_path, data):
    file = tmp_path / "one.wav"
    file.write_bytes(data)
    told = ""
    try:
        audio = read_audio(file)
    except UnreadableAudio as error:
        told = str(error)
    if told:
        assert told.startswith(str(file))
        assert "\n" not in told
        return
    assert audio.samples.dtype == np.float32
    assert np.isfinite(audio.samples).all()
    assert 0 < len(audio.samples) <= 1200 * 16000
