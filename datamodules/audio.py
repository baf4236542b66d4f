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

# A sentence lasts seconds. A header that claims hours is a recording to be cut, or a lie that would fill the memory.
LONGEST_SECONDS = 1200.0
LOWEST_RATE = 1000  # Hz; a lower one is a wrong header, and a minute of it would become hours
MOST_SAMPLES = int(LONGEST_SECONDS * 192_000)  # of one channel
_OF_THE_SYSTEM = "give this user the right to it, or restore it where the disk answers"
_BLOCK = 2**22  # samples of all channels that are decoded at once

# A wav written into a pipe never learns its length and promises about 2^31 or 2^32 bytes instead.
_LENGTH_UNKNOWN = 0x7FFF0000

# What libsndfile logs of the bytes of samples: `data : 60744 (should be 30350)`, or of them and of the whole file.
_DATA_AND_THERE = re.compile(r"^ *(?:data|Data Size|SSND|BODY) *: (\d+) \(should be (\d+)\)", re.MULTILINE)
_DATA = re.compile(r"^ *(?:data|Data size) : (\d+)$", re.MULTILINE)
_FILE = re.compile(r"^Length : (\d+)$", re.MULTILINE)


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
    so does digital silence. Raises UnreadableAudio for a file that is missing, has no readable header, is cut off
    (which nothing tells of Ogg, NIST, VOC and IRCAM files), is empty, holds NaN or infinity, lasts longer than
    LONGEST_SECONDS, or has fewer than `min_samples` samples after resampling. Memory is bounded by one channel of
    LONGEST_SECONDS, whatever the header claims.
    """
    path = Path(path)
    mono, file_rate, channels = _decode(path, start_sample, stop_sample)
    notes = []
    if not len(mono):
        raise UnreadableAudio(path, "no samples", "remove it or record it again")
    if not _is_finite(mono):
        raise UnreadableAudio(path, "NaN or infinite samples", "export it again from its source")
    if channels > 1:
        notes.append(STEREO)
    if file_rate != sample_rate:
        mono = soxr.resample(mono, file_rate, sample_rate, quality="HQ")
        if not _is_finite(mono):
            raise UnreadableAudio(path, "samples too large to be resampled", "export it again from its source")
        notes.append(f"resampled from {file_rate} Hz")
    if len(mono) < min_samples:
        fault = f"only {len(mono)} samples at {sample_rate} Hz, fewer than the {min_samples} of one frame"
        raise UnreadableAudio(path, fault, "remove it")
    if not mono.any():
        notes.append(SILENT)
    return Audio(np.ascontiguousarray(mono, dtype=np.float32), len(mono) / sample_rate, tuple(notes))


def _is_finite(samples: np.ndarray) -> bool:
    """Whether all are: a NaN is the smallest of them, as it is the largest."""
    return bool(np.isfinite(samples.min(initial=0)) and np.isfinite(samples.max(initial=0)))


def _decode(path: Path, start: int, stop: int) -> tuple[np.ndarray, int, int]:
    """(n,) float32 samples, the mean of all channels; the file's rate, and how many channels it has."""
    if fault := no_file(path):
        raise UnreadableAudio(path, fault, "restore it or take it out of the label table")
    try:
        # As bytes, because a name need not be UTF-8.
        with soundfile.SoundFile(os.fsencode(path)) as file:
            _refuse_cut_off(path, file)
            stop = file.frames if stop < 0 else stop
            if not 0 <= start <= stop <= file.frames:
                fault = f"samples {start} to {stop} were asked for, it has {file.frames}"
                raise UnreadableAudio(path, fault, "the file has changed since it was listed; list it again")
            rate, channels = file.samplerate, file.channels
            if rate < LOWEST_RATE:
                fault = f"{rate} samples a second by its header, fewer than the {LOWEST_RATE} of any speech"
                raise UnreadableAudio(path, fault, "write its true rate into it")
            if stop - start > min(LONGEST_SECONDS * rate, MOST_SAMPLES):
                seconds = (stop - start) / rate
                fault = f"{seconds:.0f} s long by its header, more than the {LONGEST_SECONDS:g} s that are read"
                raise UnreadableAudio(path, fault, "cut it into shorter files")
            if start:  # which some formats cannot
                file.seek(start)
            blocks, left = [], stop - start
            while left > 0:
                block = _read(file, min(left, max(1, _BLOCK // channels)))
                if not len(block):
                    break
                blocks.append(block[:, 0] if channels == 1 else block.mean(axis=1))
                left -= len(block)
            samples = blocks[0] if len(blocks) == 1 else np.concatenate([np.zeros(0, np.float32), *blocks])
    except OSError as error:
        raise UnreadableAudio(path, f"cannot be read ({error.strerror})", _OF_THE_SYSTEM) from error
    except soundfile.LibsndfileError as error:
        if refused := _refused_by_the_system(path):
            raise UnreadableAudio(path, *refused) from error
        reason = str(error).split(": ")[-1].rstrip(".") or "broken inside"
        if "not a regular file" in reason:  # libsndfile says so of a damaged mp3, too
            reason = "nothing that a decoder knows"
        remedy = "copy it again from its source, convert it to wav, or remove it"
        raise UnreadableAudio(path, f"cannot be read as audio ({reason})", remedy) from error
    if len(samples) < stop - start:
        raise _cut_off(path, len(samples), stop - start)
    return samples, rate, channels


def _read(file: soundfile.SoundFile, count: int) -> np.ndarray:
    """At most so many samples of each channel, (n, channels) float32."""
    if file.subtype == "PCM_16":  # to the bit what libsndfile makes of them, which takes four times as long
        return file.read(count, dtype="int16", always_2d=True) * np.float32(2**-15)
    return file.read(count, dtype="float32", always_2d=True)


def no_file(path: Path) -> str:
    """Why there is no file to read in its place; nothing where there is. A pipe would be waited for without end."""
    if path.is_file():
        return ""
    if path.exists():
        return "a folder, a pipe or a device, and no file"
    return "a link that leads nowhere" if path.is_symlink() else "no such file"


def _refused_by_the_system(path: Path) -> tuple[str, str] | None:
    """libsndfile says of a disk that does not answer, too, that the file is of no format that it knows."""
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        return f"cannot be read ({error.strerror})", _OF_THE_SYSTEM
    return None


def _refuse_cut_off(path: Path, file: soundfile.SoundFile) -> None:
    """libsndfile shortens a cut wav, AIFF, AU or W64 without a word except in its log."""
    log = file.extra_info
    if told := _DATA_AND_THERE.search(log):
        promised, there = int(told[1]), int(told[2])
        if there < promised < _LENGTH_UNKNOWN:
            if not file.frames:
                raise UnreadableAudio(path, "cut off: nothing follows its header", "copy it again from its source")
            raise _cut_off(path, file.frames, max(file.frames * promised // there, file.frames + 1))
    data, whole = _DATA.search(log), _FILE.search(log)
    if data and whole and int(whole[1]) < int(data[1]) < _LENGTH_UNKNOWN:
        fault = f"cut off: {file.frames} samples, and its header promises more"
        raise UnreadableAudio(path, fault, "copy it again from its source")


def _cut_off(path: Path, there: int, promised: int) -> UnreadableAudio:
    return UnreadableAudio(
        path,
        f"cut off: {there} samples where its header promises {promised}",
        "copy it again from its source",
    )
