"""How many threads a program of short batches takes."""

import os

import torch

from datamodules.errors import ConfigurationError
from experiments.config.contradictions import MOST_THREADS


def take_threads(chosen: int | None) -> int:
    """Let PyTorch compute with `chosen` threads; None takes the cores that nothing else keeps busy, at least one.

    Threads that share a core wait for each other: with two on busy cores a prediction took twice to three times as long
    as with one. Raises ConfigurationError for no threads.
    """
    if chosen is not None and not 1 <= chosen <= MOST_THREADS:
        raise ConfigurationError(f"--threads {chosen}: give a whole number from 1 to {MOST_THREADS}.")
    if chosen is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
        chosen = max(1, min(torch.get_num_threads(), round(cores - busy)))
    torch.set_num_threads(chosen)
    return chosen
