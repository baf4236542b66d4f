"""From recordings to what models read of them, and what there is to say of each."""

import os
from collections.abc import Sequence
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import soundfile

from datamodules.audio import LOWEST_RATE, UnreadableAudio, no_file, read_audio
from datamodules.content import content_digest
from datamodules.errors import DataError
from datamodules.extract_files import SECONDS_A_FILE
from datamodules.front_end import Cut, FrontEnd
from datamodules.patience import Patience

LONGEST_RECORDING = 86_400.0  # seconds; a header that claims more than a day is no recording to be cut


class Span(NamedTuple):
    """A part of a recording, in samples at the file's own rate; -1 is its end."""

    path: Path
    start: int = 0
    stop: int = -1
    start_seconds: float = 0.0


class Heard(NamedTuple):
    """A span that was read: one input for every front end, or the reason why there is none."""

    span: Span
    inputs: list[Cut]
    seconds: float
    warnings: tuple[str, ...] = ()
    """What makes its prediction doubtful."""
    fault: str = ""
    digest: str = ""
    """Of the file's content; empty where it cannot be read."""


def spans_of(path: Path, longest: float) -> list[Span]:
    """A recording as spans of at most `longest` seconds and all alike; one that cannot be opened as a whole."""
    if no_file(path):
        return [Span(path)]
    try:
        info = _within()(lambda: soundfile.info(os.fsencode(path)))  # a name need not be UTF-8
    except (soundfile.SoundFileError, OSError, ValueError):  # a TimeoutError is an OSError
        return [Span(path)]  # whoever reads it will say what is wrong
    count = max(1, -(-info.frames // max(1, int(longest * info.samplerate))))
    refused = info.samplerate < LOWEST_RATE or info.frames > LONGEST_RECORDING * info.samplerate
    if count == 1 or refused:
        return [Span(path)]
    bounds = [info.frames * number // count for number in range(count + 1)]
    return [Span(path, start, stop, start / info.samplerate) for start, stop in pairwise(bounds)]


def hear(front_ends: Sequence[FrontEnd], span: Span) -> Heard:
    """Read a span once for each front end; a file that cannot be used, or has no end, is told and costs no other."""
    try:
        return _within()(partial(_hear, front_ends, span))
    except TimeoutError as error:
        return Heard(span, [], 0.0, fault=f"{span.path}: reading it {error}; convert it to wav, or leave it out.")


@cache
def _within() -> Patience:
    return Patience(SECONDS_A_FILE)


def _hear(front_ends: Sequence[FrontEnd], span: Span) -> Heard:
    inputs: list[Cut] = []
    seconds, warnings, digest = 0.0, [], ""
    if reason := no_file(span.path):
        return Heard(span, [], 0.0, fault=f"{span.path}: {reason}; restore it, or leave it out.")
    try:
        digest = content_digest(span.path)
        for front_end in front_ends:
            features = front_end.features
            audio = read_audio(span.path, features.sample_rate, span.start, span.stop, features.min_samples)
            seconds = audio.seconds
            warnings += [*audio.notes, *_of_its_length(audio.seconds, front_end)]
            inputs.append(front_end.cut(audio.samples))
    except UnreadableAudio as error:
        return Heard(span, [], 0.0, fault=str(error))
    except OSError as error:
        fault = f"{span.path}: cannot be read ({error.strerror}); give this user the right to it, or restore it."
        return Heard(span, [], 0.0, fault=fault)
    except (DataError, ValueError, MemoryError, RuntimeError) as error:
        reason = str(error) or type(error).__name__
        return Heard(span, [], 0.0, fault=f"{span.path}: cannot be read ({reason}); convert it to wav, or remove it.")
    return Heard(span, inputs, seconds, tuple(dict.fromkeys(warnings)), digest=digest)


def _of_its_length(seconds: float, front_end: FrontEnd) -> list[str]:
    chunks = front_end.chunks
    if front_end.features.frames_a_piece is not None:  # all of it is heard, piece by piece
        return []
    if seconds < chunks.window_seconds:
        return [f"shorter than a chunk of {chunks.window_seconds:g} s, and repeated to fill it"]
    heard = chunks.num_chunks * chunks.window_seconds
    if seconds > chunks.max_seconds:
        return [f"longer than {chunks.max_seconds:g} s: {heard:g} of its {seconds:.1f} s are heard"]
    return []
