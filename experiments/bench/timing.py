"""How long work takes on a device, and the most memory it held there."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

import torch


@dataclass
class Measured:
    """What one piece of work took; filled in when it is done."""

    seconds: float = 0.0
    device_gb: float | None = None
    """The most that PyTorch held on a GPU meanwhile; None on a CPU."""


@contextmanager
def measured(device: torch.device) -> Iterator[Measured]:
    """Time the work inside, to the end of all that it left running on `device`."""
    result = Measured()
    gpu = device.type == "cuda"
    if gpu:
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
    started = time.perf_counter()
    yield result
    if gpu:
        torch.cuda.synchronize(device)
        result.device_gb = torch.cuda.max_memory_allocated(device) / 1e9
    result.seconds = time.perf_counter() - started


def best_of(repeats: int, work: Callable[[], object], device: torch.device) -> Measured:
    """The fastest of `repeats`, after one that is not counted: whatever else the machine does only adds."""
    work()
    times = []
    for _ in range(repeats):
        with measured(device) as one:
            work()
        times.append(one)
    return min(times, key=lambda one: one.seconds)


@dataclass(frozen=True)
class Spread:
    """Seconds of several times the same work."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Spread":
        """Of every time's."""
        return cls(median(seconds), min(seconds), max(seconds))

    def cells(self, name: str, times: float = 1.0) -> dict[str, float]:
        """Of a row: `name`, fastest and slowest, each `times` these seconds, as 1e3 makes milliseconds of them."""
        return {name: self.median * times, "fastest": self.low * times, "slowest": self.high * times}


def in_turn(works: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, Spread]:
    """Each in turn, `repeats` times, after once that is not counted: what the machine does meanwhile hits all alike."""
    for work in works.values():
        work()
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - started)
    return {name: Spread.of(all_of) for name, all_of in seconds.items()}
