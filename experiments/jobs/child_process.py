"""Waiting for a process that was started, and what its exit status says."""

import signal
import subprocess
from typing import Any

from experiments.console.user_errors import ENDING, EXIT_INTERRUPTED


def wait_for(process: subprocess.Popen[bytes]) -> tuple[int, bool]:
    """The process's exit status, and whether a signal that was to end this one was handed on to it instead."""
    handed_on = False

    def hand_on(number: int, frame: Any) -> None:
        nonlocal handed_on
        handed_on = True
        process.send_signal(number)

    before = {number: signal.signal(number, hand_on) for number in heeded_signals()}
    try:
        code = process.wait()
    finally:
        if process.poll() is None:  # a launcher's own signal handler ends this process: no orphans
            process.terminate()
            process.wait()
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code, handed_on


def heeded_signals() -> list[signal.Signals]:
    """Of those that end a program, the ones that this one does not ignore, as nohup has it ignore a closed terminal."""
    return [number for number in (signal.SIGINT, *ENDING) if signal.getsignal(number) is not signal.SIG_IGN]


def describe_status(status: int) -> str:
    """What an exit status says of a process that said nothing itself."""
    if status == EXIT_INTERRUPTED:  # by whichever signal that ends a program
        return "it was interrupted"
    number = status - 128
    name = {one.value: one.name for one in signal.Signals}.get(number)
    if name is None:
        return f"it ended with exit status {status} and said no reason"
    hint = " (the system does that to a process that uses too much memory)" if number == signal.SIGKILL else ""
    return f"it was ended by {name}{hint}"
