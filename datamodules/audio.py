"""Audio files as mono samples at one rate, or a sentence about why not."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from datamodules.errors import DataError

STEREO = "stereo"
SILENT = "digital silence"

# A wav written into a pipe never learns its length and promises about 2^31 or 2^32 bytes instead.
_LENGTH_UNKNOWN = 0x7FFF0000


class UnreadableAudio(DataError):  # noqa: N818 (named for what it says)
    """One audio file that cannot be used: `fault` is what is wrong with it, `remedy` what to do."""

    def __init__(self, path: Path | str, fault: str, remedy: str) -> None:
        super().__init__(f"{path}: {fault}; {remedy}.")
        self.fault = fault
        self.remedy = remedy


@dataclass(frozen=True)
class Audio:
    """One utterance. n samples at the rate that was asked for."""

    samples: np.ndarray
    """(n,) float32, mono."""
    seconds: float
    notes: tuple[str, ...]
    """What was tolerated, in fixed words so that it can be counted."""


def read_audio(
    path: Path | str,
    sample_rate: int = 16000,
    start_sample: int = 0,
    stop_sample: int = -1,
    min_samples: int = 1,
) -> Audio:
    """Samples start_sample..stop_sample of a file (counted at the file's own rate; -1 is its end) as mono.

    Several channels are averaged and another rate is resampled (soxr, high quality); both leave a note, and
    so does digital silence. Raises UnreadableAudio for a file that is missing, has no readable header, is cut
    off, is empty, holds NaN or infinity, or has fewer than `min_samples` samples after resampling.
    """
    path = Path(path)
    samples, file_rate = _decode(path, start_sample, stop_sample)
    notes = []
    if not len(samples):
        raise UnreadableAudio(path, "no samples", "remove it or record it again")
    if not np.isfinite(samples).all():
        raise UnreadableAudio(path, "NaN or infinite samples", "export it again from its source")
    if samples.shape[1] > 1:
        notes.append(STEREO)
    mono = samples.mean(axis=1)
    if file_rate != sample_rate:
        mono = soxr.resample(mono, file_rate, sample_rate, quality="HQ")
        notes.append(f"resampled from {file_rate} Hz")
    if len(mono) < min_samples:
        fault = f"only {len(mono)} samples at {sample_rate} Hz, fewer than the {min_samples} of one frame"
        raise UnreadableAudio(path, fault, "remove it")
    if not mono.any():
        notes.append(SILENT)
    return Audio(np.ascontiguousarray(mono, dtype=np.float32), len(mono) / sample_rate, tuple(notes))


def _decode(path: Path, start: int, stop: int) -> tuple[np.ndarray, int]:
    """(n, channels) float32 samples and the file's rate."""
    if not path.is_file():
        raise UnreadableAudio(path, "no such file", "restore it or take it out of the label table")
    try:
        # As bytes, because a name need not be UTF-8.
        with soundfile.SoundFile(os.fsencode(path)) as file:
            _refuse_cut_off(path, file)
            stop = file.frames if stop < 0 else stop
            if not 0 <= start <= stop <= file.frames:
                fault = f"samples {start} to {stop} were asked for, it has {file.frames}"
                raise UnreadableAudio(path, fault, "the file has changed since it was listed; list it again")
            file.seek(start)
            samples = file.read(stop - start, dtype="float32", always_2d=True)
            rate = file.samplerate
    except (soundfile.LibsndfileError, OSError) as error:
        reason = str(error).split(": ")[-1].rstrip(".") or "broken inside"
        remedy = "copy it again from its source, convert it to wav, or remove it"
        raise UnreadableAudio(path, f"cannot be read as audio ({reason})", remedy) from error
    if len(samples) < stop - start:
        raise _cut_off(path, len(samples), stop - start)
    return samples, rate


def _refuse_cut_off(path: Path, file: soundfile.SoundFile) -> None:
    """libsndfile shortens a cut wav without a word except in its log: `data : 60744 (should be 30350)`."""
    found = re.search(r"^data : (\d+) \(should be (\d+)\)", file.extra_info, re.MULTILINE)
    if found and int(found[1]) < _LENGTH_UNKNOWN:
        promised, there = int(found[1]), int(found[2])
        if there < promised:
            raise _cut_off(path, file.frames, file.frames * promised // max(there, 1))


def _cut_off(path: Path, there: int, promised: int) -> UnreadableAudio:
    return UnreadableAudio(
        path,
        f"cut off: {there} samples where its header promises {promised}",
        "copy it again from its source",
    )
