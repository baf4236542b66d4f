"""Files to features: one at a time, or many in parallel processes that may die."""

import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from itertools import islice
from multiprocessing import get_context, parent_process
from pathlib import Path

import numpy as np
import torch

from datamodules.audio import UnreadableAudio, read_audio
from datamodules.content import content_digest
from datamodules.errors import DataError
from datamodules.features import Extractor, Features, make_extractor

INLINE_FILES = 200  # below this, processes take longer to start than the work
BATCH_FILES = 8  # files sent to a process at once
BATCHES_AHEAD = 4  # a worker; bounds the features that wait in memory to be written
MAX_DEATHS = 8  # of workers, before it is the machine and not the files


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
        frames = extract(audio.samples).half()
        digest = content_digest(job.path)
    except UnreadableAudio as error:
        return Fault(error.fault, error.remedy)
    except Exception as error:
        # Whatever one file brings about (no memory for it, a decoder's fault), the others go on. It is told,
        # and were it all files, too many would be left out.
        return Fault(f"{type(error).__name__}: {error}", "remove it, or convert it to wav")
    if not frames.isfinite().all():
        return Fault(
            "features beyond 65504, the largest float16",
            "lower its level or set features.peak_normalize=true",
        )
    return Extraction(frames.numpy(), audio.seconds, audio.notes, digest)


def extract_all(
    jobs: Iterable[Job], count: int, settings: Features, workers: int | None = None
) -> Generator[Extraction | Fault, None, None]:
    """What became of each of `count` jobs, in their order, whatever the number of processes.

    Few jobs are done in this process. A worker that dies costs the file it read (a Fault), not the rest; when
    workers keep dying, DataError. Close the iterator to stop early: its processes end.
    """
    _extractor(settings)  # a backend that cannot be imported is told here and not by every process
    if workers is None:  # the cores this process may use, where the system tells them (macOS does not)
        workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if workers <= 1 or count < INLINE_FILES:
        return (extract_file(job, settings) for job in jobs)
    return _in_processes(iter(jobs), settings, workers)


@cache
def _extractor(settings: Features) -> Extractor:
    return make_extractor(settings)


def _extract_batch(jobs: list[Job], settings: Features) -> list[Extraction | Fault]:
    return [extract_file(job, settings) for job in jobs]


def _in_processes(jobs: Iterator[Job], settings: Features, workers: int) -> Generator[Extraction | Fault, None, None]:
    batches = iter(lambda: list(islice(jobs, BATCH_FILES)), [])
    waiting: deque[tuple[list[Job], Future]] = deque()
    killed: list[str] = []
    pool = _pool(workers)
    try:
        while True:
            for batch in islice(batches, BATCHES_AHEAD * workers - len(waiting)):
                waiting.append((batch, _submit(pool, batch, settings)))
            if not waiting:
                return
            batch, future = waiting.popleft()
            try:
                results = future.result()
            except BrokenProcessPool:
                # Nobody says which file did it, so all that was on its way is done again, one file at a time.
                pool.shutdown()
                suspects = [*batch, *(job for later, _ in waiting for job in later)]
                waiting.clear()
                before = len(killed)
                yield from _one_by_one(suspects, settings, killed)
                if len(killed) == before:
                    _note_death(killed, "no file in particular")
                pool = _pool(workers)
            else:
                yield from results
    finally:
        pool.shutdown(cancel_futures=True)


def _one_by_one(jobs: list[Job], settings: Features, killed: list[str]) -> Iterator[Extraction | Fault]:
    """Each job in a process that no other job can take down; the paths that kill theirs go to `killed`."""
    pool = _pool(1)
    try:
        for job in jobs:
            try:
                yield _submit(pool, [job], settings).result()[0]
            except BrokenProcessPool:
                _note_death(killed, str(job.path))
                pool.shutdown()
                pool = _pool(1)
                yield Fault("the process reading it was killed", "remove it, or give the machine more memory")
    finally:
        pool.shutdown(cancel_futures=True)


def _note_death(killed: list[str], path: str) -> None:
    killed.append(path)
    if len(killed) > MAX_DEATHS:
        raise DataError(
            f"processes reading audio were killed {len(killed)} times, the last at {path}; "
            "the machine probably has too little memory: set data.workers=1 and run the same command again."
        )


def _pool(workers: int) -> ProcessPoolExecutor:
    # Spawned, because a fork of a process that has run torch's threads can hang.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start_worker)


def _submit(pool: ProcessPoolExecutor, batch: list[Job], settings: Features) -> Future:
    # Submitting starts processes, which inherit this thread's signal mask: Ctrl-C is for this process alone.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(_extract_batch, batch, settings)
    except BrokenProcessPool as error:
        failed: Future = Future()
        failed.set_exception(error)
        return failed
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _start_worker() -> None:
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
