"""Whatever an audio file holds, it is finite samples or one sentence, in bounded time and memory."""

import io
import resource
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from fuzz.forms import fuzz, result_or_sentence, short_and_long
from fuzz.mutations import damaged
from hypothesis import strategies as st

from datamodules.audio import read_audio
from datamodules.chunking import ChunkSettings
from datamodules.corpora.folder import read_pool
from datamodules.extract_files import Extraction, Fault, Job, extract_file
from datamodules.features import FeatureSettings
from datamodules.front_end import FrontEnd
from experiments.results.hearing import hear, spans_of

pytestmark = pytest.mark.faults

FORMATS = {
    "wav": "PCM_16",
    "flac": "PCM_16",
    "ogg": "VORBIS",
    "mp3": "MPEG_LAYER_III",
    "aiff": "PCM_24",
    "w64": "DOUBLE",
}
MOST_MEMORY = 600  # MB that all of a test's cases may add to the peak; a wav of LONGEST_SECONDS has less
SHORTS = st.one_of(st.sampled_from((0, 1, 2, 7, 8, 24, 32, 64, 255, 0x55, 0xFFFE, 0xFFFF)), st.integers(0, 2**16 - 1))
LONGS = st.one_of(
    st.sampled_from((0, 1, 2, 15, 16, 18, 40, 999, 1000, 16_000, 192_000, 2**31 - 1, 2**31, 2**32 - 1)),
    st.integers(0, 2**32 - 1),
)
FIELDS = {4: "<I", 16: "<I", 20: "<H", 22: "<H", 24: "<I", 28: "<I", 32: "<H", 34: "<H", 40: "<I"}
"""Of a wav's header: where each number lies, and its size."""


def recorded(name: str) -> bytes:
    file = io.BytesIO()
    samples = np.random.default_rng(0).normal(0, 0.1, 4000)
    soundfile.write(file, samples, 16000, format=name.upper(), subtype=FORMATS[name])
    return file.getvalue()


@st.composite
def flipped(draw: st.DrawFn, good: bytes) -> bytes:
    """With other bits, most of them in the header, or cut off."""
    content = bytearray(good)
    for _ in range(draw(st.integers(0, 6))):
        place = draw(st.one_of(st.integers(0, min(99, len(content) - 1)), st.integers(0, len(content) - 1)))
        content[place] ^= 1 << draw(st.integers(0, 7))
    return bytes(content[: draw(st.one_of(st.none(), st.integers(0, len(content))))])


@st.composite
def lying(draw: st.DrawFn) -> bytes:
    """A wav whose header says what is not so."""
    content = bytearray(recorded("wav"))
    for place in draw(st.lists(st.sampled_from(list(FIELDS)), min_size=1, max_size=3)):
        size = FIELDS[place]
        struct.pack_into(size, content, place, draw(SHORTS if size == "<H" else LONGS))
    return bytes(content)


@st.composite
def extreme(draw: st.DrawFn) -> bytes:
    """A whole wav of any floats."""
    values = draw(st.lists(st.floats(width=32), min_size=1, max_size=20))
    return floats(np.resize(np.array(values, np.float32), 4000), draw(st.sampled_from((1000, 8000, 16000, 192_000))))


def floats(samples: np.ndarray, rate: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype="FLOAT")
    return file.getvalue()


HOSTILE = {
    "floats": extreme(),
    "bytes": st.binary(max_size=400),
    "header": lying(),
    **{name: st.one_of(flipped(recorded(name)), damaged(recorded(name))) for name in FORMATS},
}


@pytest.fixture
def bounded() -> Iterator[None]:
    """The test's own bound."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < MOST_MEMORY


def spoilt(path: Path, read: Callable[[], None]) -> Callable[[bytes], None]:
    def check(content: bytes) -> None:
        path.write_bytes(content)
        read()

    return check


@short_and_long
@pytest.mark.parametrize("kind", HOSTILE)
def test_samples_are_finite(kind: str, cases: int, tmp_path: Path, bounded: None) -> None:
    path = tmp_path / f"x.{kind if kind in FORMATS else 'wav'}"

    def read() -> None:
        audio = result_or_sentence(lambda: read_audio(path))
        if audio is not None:
            assert audio.samples.dtype == np.float32
            assert np.isfinite(audio.samples).all()
            assert len(audio.samples) / 16000 == audio.seconds > 0

    fuzz(cases, HOSTILE[kind], spoilt(path, read), b"", floats(np.float32([3e38, -3e38] * 500), 8000))


@short_and_long
def test_a_preparation_goes_past_it(cases: int, tmp_path: Path, bounded: None) -> None:
    path, settings = tmp_path / "x.wav", FeatureSettings(num_mels=16)

    def read() -> None:
        result = extract_file(Job(path), settings)
        assert isinstance(result, Extraction | Fault)
        if isinstance(result, Extraction):
            assert np.isfinite(result.frames).all()

    fuzz(cases, st.one_of(*HOSTILE.values()), spoilt(path, read))


@short_and_long
def test_a_pool_leaves_it_out(cases: int, tmp_path: Path, recording: bytes, bounded: None) -> None:
    path = tmp_path / "x.wav"
    (tmp_path / "good.flac").write_bytes(recording)

    def read() -> None:
        pool = read_pool(tmp_path, max_seconds=1.0)
        assert pool is not None
        names = set(pool.table["path"]) | {problem.file for problem in pool.problems}
        assert names == {"good.flac", "x.wav"}
        assert len(pool) < 1000

    fuzz(cases, st.one_of(*HOSTILE.values()), spoilt(path, read))


@short_and_long
def test_a_prediction_tells_it(cases: int, tmp_path: Path, bounded: None) -> None:
    path = tmp_path / "x.wav"
    front_end = FrontEnd(FeatureSettings(num_mels=16), ChunkSettings(), torch.zeros(16), torch.ones(16))

    def read() -> None:
        spans = spans_of(path, 60.0)
        assert len(spans) < 2000
        for span in spans[:3]:
            heard = hear([front_end], span)
            assert bool(heard.inputs) != bool(heard.fault)
            assert all(one.chunks.isfinite().all() for one in heard.inputs)

    fuzz(cases, st.one_of(*HOSTILE.values()), spoilt(path, read))
