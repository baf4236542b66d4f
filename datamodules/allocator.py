"""How the C library hands memory back, which on a CPU costs more than the convolutions."""

import ctypes
import logging

log = logging.getLogger(__name__)

# Parameters of mallopt(3), from <malloc.h>.
M_TRIM_THRESHOLD = -1
M_TOP_PAD = -2
M_MMAP_MAX = -4


def keep_freed_memory() -> bool:
    """Let freed tensors stay in the process instead of going back to the kernel; whether the C library can.

    A feature map of a batch is tens of megabytes, so glibc maps it from the kernel and unmaps it for every layer,
    and the page faults cost VGG-16's training step more than half of its time (BENCHMARKS.md). A C library without
    mallopt (musl, macOS) is left as it is.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        log.debug("this C library has no mallopt; large tensors stay as costly as they are")
        return False
    never = -1  # any number would be too low for some batch, whose memory would go back after each step
    settings = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, never), (M_TOP_PAD, 64 * 2**20))
    return all(mallopt(parameter, value) == 1 for parameter, value in settings)
