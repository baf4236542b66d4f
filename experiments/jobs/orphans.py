"""A process that works for another program of ours ends when that one is killed, which nobody could tell it of."""

import os
import select
import shutil
import signal
import threading
import time
from functools import cache
from pathlib import Path

from experiments.console.report_file import REPORT_FILE

STARTER = "EMOCLUSTER_STARTED_BY"
"""The environment variable with the process of this machine that another is started for."""
SECONDS_TO_END = 3.0
"""After that it ends without tidying up; what is on the disk is whole at any moment."""


def started_by() -> dict[str, str]:
    """What tells a process that this one is who it works for."""
    return {STARTER: str(os.getpid())}


def end_with_starter() -> None:
    """End this process soon after the one that it works for, where it was told of one."""
    starter = os.environ.get(STARTER, "")
    if starter.isdecimal():
        end_with(int(starter))


@cache
def end_with(process: int) -> None:
    """End this process soon after another of this machine."""
    threading.Thread(target=_end_with, args=(process,), daemon=True).start()


def _end_with(process: int) -> None:
    _wait_for(process)
    if REPORT_FILE in os.environ:  # whose folder nobody else removes now
        shutil.rmtree(Path(os.environ[REPORT_FILE]).parent, ignore_errors=True)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(SECONDS_TO_END)
    os._exit(128 + signal.SIGTERM)


def _wait_for(process: int) -> None:
    """Return when it has ended, also where nobody has asked for its exit status yet."""
    if not hasattr(os, "pidfd_open"):  # Linux alone has it
        while _answers(process):
            time.sleep(1.0)
        return
    try:
        select.select([os.pidfd_open(process)], [], [])
    except ProcessLookupError:
        return


def _answers(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
