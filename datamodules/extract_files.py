"""Files to features: one at a time, or many in parallel processes that may die or hang."""

import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from multiprocessing import get_context, parent_process
from pathlib import Path

import numpy as np
import torch
from pebble import ProcessExpired, ProcessPool

from datamodules.allocator import keep_freed_memory
from datamodules.audio import UnreadableAudio, read_audio
from datamodules.content import content_digest
from datamodules.errors import DataError
from datamodules.features import Extractor, Features, make_extractor
from datamodules.patience import Patience

BEYOND_FLOAT16 = 65520.0  # what rounds to infinity there
INLINE_FILES = 200  # below this, processes take longer to start than the work
BATCH_FILES = 8  # files sent to a process at once
BATCHES_AHEAD = 4  # a worker; bounds the features that wait in memory to be written
SECONDS_A_FILE = 120.0  # a decoder that takes longer, for a file or a batch of them, will not end
MOST_LOST = 8  # files that kill or hold up a worker, before it is the machine and not the files


@dataclass(frozen=True)
class Job:
    """One utterance to extract."""

    path: Path
    start_sample: int = 0
    stop_sample: int = -1


@dataclass(frozen=True)
class Extraction:
    """The features of one utterance."""

    frames: np.ndarray
    """(T, F) float16."""
    seconds: float
    notes: tuple[str, ...]
    digest: str
    """Of the whole file's content."""


@dataclass(frozen=True)
class Fault:
    """Why an utterance has no features, and what to do."""

    fault: str
    remedy: str


def extract_file(job: Job, settings: Features) -> Extraction | Fault:
    """Raw features of one utterance in float16, or what is wrong with it."""
    extract = _extractor(settings)
    try:
        audio = read_audio(job.path, settings.sample_rate, job.start_sample, job.stop_sample, settings.min_samples)
        features = extract(audio.samples)
        digest = content_digest(job.path)
    except UnreadableAudio as error:
        return Fault(error.fault, error.remedy)
    except Exception as error:
        # Whatever one file brings about (no memory for it, a decoder's fault), the others go on. It is told,
        # and were it all files, too many would be left out.
        return Fault(f"{type(error).__name__}: {error}", "remove it, or convert it to wav")
    lowest, highest = features.aminmax()
    if not (lowest > -BEYOND_FLOAT16 and highest < BEYOND_FLOAT16):  # nor is NaN
        return Fault(
            "features beyond 65504, the largest float16",
            "lower its level or set features.peak_normalize=true",
        )
    return Extraction(features.half().numpy(), audio.seconds, audio.notes, digest)


def extract_all(
    jobs: Iterable[Job], count: int, settings: Features, workers: int | None = None
) -> Generator[Extraction | Fault, None, None]:
    """What became of each of `count` jobs, in their order, whatever the number of processes.

    Few jobs are done in this process, as starting others takes two seconds. A worker that dies, or does not come to an
    end, costs the file it read (a Fault), not the rest; when they keep doing so, DataError. Close the iterator to stop
    early: its processes end.
    """
    _extractor(settings)  # a backend that cannot be imported is told here and not by every process
    if workers is None:  # the cores this process may use, where the system tells them (macOS does not)
        workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if workers <= 1 or count < INLINE_FILES:
        return _in_this_process(iter(jobs), settings)
    return _in_processes(iter(jobs), settings, workers)


@cache
def _extractor(settings: Features) -> Extractor:
    return make_extractor(settings)


def _extract_batch(jobs: list[Job], settings: Features) -> list[Extraction | Fault]:
    return [extract_file(job, settings) for job in jobs]


def _in_this_process(jobs: Iterator[Job], settings: Features) -> Generator[Extraction | Fault, None, None]:
    within = Patience(SECONDS_A_FILE)
    lost: list[str] = []
    try:
        for job in jobs:
            try:
                result = within(partial(extract_file, job, settings))
            except TimeoutError:
                result = _lost(job, _ENDLESS, lost)
            yield result
    finally:
        within.end()


def _in_processes(jobs: Iterator[Job], settings: Features, workers: int) -> Generator[Extraction | Fault, None, None]:
    batches = iter(lambda: list(islice(jobs, BATCH_FILES)), [])
    waiting: deque[tuple[list[Job], Future]] = deque()
    lost: list[str] = []
    # Spawned, because a fork of a process that has run torch's threads can hang. What is loaded is loaded by the first
    # file: a worker that dies before it has work takes the whole pool with it.
    pool = ProcessPool(workers, context=get_context("spawn"), initializer=_start_worker)
    try:
        while True:
            for batch in islice(batches, BATCHES_AHEAD * workers - len(waiting)):
                waiting.append((batch, _submit(pool, batch, settings)))
            if not waiting:
                return
            batch, future = waiting.popleft()
            try:
                results = future.result()
            except (ProcessExpired, TimeoutError):  # nobody says at which file, so each is tried by itself
                yield from (_alone(pool, job, settings, lost) for job in batch)
            else:
                yield from results
    except BrokenExecutor as error:
        raise _none_begins() from error
    finally:
        pool.stop()
        pool.join()


def _alone(pool: ProcessPool, job: Job, settings: Features, lost: list[str]) -> Extraction | Fault:
    """One job; the path of a file that kills or holds up its process goes to `lost`."""
    try:
        results: list[Extraction | Fault] = _submit(pool, [job], settings).result()
    except ProcessExpired:
        return _lost(job, "the process reading it was killed", lost)
    except TimeoutError:
        return _lost(job, _ENDLESS, lost)
    return results[0]


_ENDLESS = "reading it did not end"


def _lost(job: Job, fault: str, lost: list[str]) -> Fault:
    """Of a file that killed or held up its worker. Raises DataError where too many did."""
    lost.append(str(job.path))
    if len(lost) > MOST_LOST:
        raise DataError(
            f"processes reading audio were killed or hung {len(lost)} times, the last at {job.path}; the machine "
            "probably has too little memory, or its disk does not answer: mend that, or set data.workers=1, and run "
            "the same command again."
        )
    if fault == _ENDLESS:
        return Fault(f"{fault} within {SECONDS_A_FILE:g} s", "remove it, or convert it to wav")
    return Fault(fault, "remove it, or give the machine more memory")


def _none_begins() -> DataError:
    return DataError(
        "the processes that read audio ended as they began; the machine, or what this job may have of it, has too "
        "little memory for them: set data.workers=1, and run the same command again."
    )


def _submit(pool: ProcessPool, batch: list[Job], settings: Features) -> Future:
    # The first call starts threads and processes, which inherit this thread's signal mask: Ctrl-C is for this process
    # alone.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.schedule(_extract_batch, args=(batch, settings), timeout=SECONDS_A_FILE)
    except RuntimeError as error:  # of a pool whose workers are gone
        raise _none_begins() from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _start_worker() -> None:
    torch.set_num_threads(1)
    keep_freed_memory()  # what a file needs is megabytes, each mapped from the kernel and handed back otherwise
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
