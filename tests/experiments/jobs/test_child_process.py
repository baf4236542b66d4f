"""Waiting for a process, and what its exit status says."""

import os
import signal
import subprocess
import threading

import pytest

from experiments.jobs.child_process import describe_status, wait_for


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (9, "status 9"),
        (130, "it was interrupted"),
        (137, "SIGKILL (the system does that"),
        (143, "by SIGTERM"),
        (200, "status 200"),
        (255, "255"),
    ],
)
def test_an_exit_status_is_put_into_words(status: int, said: str) -> None:
    assert said in describe_status(status)


@pytest.mark.parametrize(
    ("handler", "outcome"),
    [(signal.SIG_DFL, (128 + signal.SIGHUP, True)), (signal.SIG_IGN, (0, False))],
    ids=["heeded", "ignored, as nohup has it"],
)
def test_a_signal_is_handed_on_where_it_is_heeded(handler: signal.Handlers, outcome: tuple[int, bool]) -> None:
    before = signal.signal(signal.SIGHUP, handler)
    try:
        process = subprocess.Popen(["sleep", "2"], process_group=0)
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGHUP)).start()
        assert wait_for(process) == outcome
        assert signal.getsignal(signal.SIGHUP) == handler
    finally:
        signal.signal(signal.SIGHUP, before)
