"""Freed memory stays in the process, so that the next batch does not fetch it page by page."""

import platform
import resource

import pytest
import torch

from experiments.memory import keep_freed_memory


def page_faults_of_a_tensor() -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(2**24)  # 64 MB, which are 16,384 pages
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")
def test_freed_memory_is_used_again() -> None:
    assert keep_freed_memory()
    page_faults_of_a_tensor()
    assert page_faults_of_a_tensor() < 1000
