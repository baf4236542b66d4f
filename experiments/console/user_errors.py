"""How a program ends: the sentence a user can act on, or a traceback for a fault of ours."""

import errno
import os
import re
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from omegaconf.errors import InterpolationResolutionError, MissingMandatoryValue

from datamodules.errors import UserError, is_out_of_memory
from datamodules.names import printable
from experiments.console.beginning import EXIT_USER_ERROR
from experiments.console.report_file import REPORT_FILE, report

EXIT_INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
EXIT_NO_READER = 141  # 128 + SIGPIPE
SHOW_ALL = "HYDRA_FULL_ERROR"
"""Set to 1, everything is a traceback: a fault of ours may look like one of the disk."""
LONGEST = 2000  # signs of a sentence


ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGXCPU)
"""What ends a program as Ctrl-C does: an administrator, a closed terminal, SLURM before its time is over, a limit."""


@contextmanager
def user_errors() -> Iterator[None]:
    """Print what a user can mend as one sentence and exit 2; exit 130 when interrupted, by any of ENDING too."""
    mine = _left_to_the_system()
    for one in mine:
        signal.signal(one, signal.default_int_handler)
    try:
        _started_somewhere()
        yield
        sys.stdout.flush()  # here, where a refusal can still be told
    except KeyboardInterrupt:
        if signal.SIGXCPU in mine:
            mine.remove(signal.SIGXCPU)
            signal.signal(signal.SIGXCPU, _told_before)
        print("interrupted; the same command goes on where this one stopped.", file=sys.stderr, flush=True)
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _reader_left():
            _drop_output()  # as head leaves when it has seen enough: no fault, and nobody to tell
            sys.exit(EXIT_NO_READER)
        sentence = None if os.environ.get(SHOW_ALL) == "1" else sentence_of(error)
        if sentence is None:
            report(error=f"{type(error).__name__}: {error}")
            raise
        _refuse(sentence)
    finally:
        for one in mine:
            signal.signal(one, signal.SIG_DFL)


def _started_somewhere() -> None:
    """Raises OSError where the working folder was removed, of which others say that a file of theirs is not there."""
    try:
        os.getcwd()
    except OSError as error:
        raise OSError(error.errno, error.strerror, "the folder that this was started in") from error


def _told_before(number: int, frame: FrameType | None) -> None:
    """A limit of time is told of every second; it may not end a program that is ending."""


def _left_to_the_system() -> list[signal.Signals]:
    """Of ENDING, what nobody handles or ignores, as nohup ignores SIGHUP; none where this thread may handle none."""
    main = threading.current_thread() is threading.main_thread()
    return [one for one in ENDING if main and signal.getsignal(one) in (signal.SIG_DFL, _told_before)]


def sentence_of(error: BaseException) -> str | None:
    """What to tell of what a user can mend: an own word, a place, a disk or the memory; None for a fault of ours."""
    words = _words_of(error)
    return None if words is None else _shown(words)


def _shown(words: str) -> str:
    """One line of what can be printed, and no longer than is read: files may hold, and be called, anything."""
    line = re.sub(r"\s*\n\s*", " ", words)
    shown = printable(line)  # up to ten signs for one
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST // 2]} … {shown[-LONGEST // 2 :]}"


def _words_of(error: BaseException) -> str | None:
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, MissingMandatoryValue):
        key = getattr(error, "full_key", None) or "an option"
        return f"{key} is not set; give it on the command line, as in {key}=VALUE."
    if isinstance(error, InterpolationResolutionError):
        reason = str(error).splitlines()[0]
        return f"an option refers to another that is not there: {reason}; check the last options."
    if is_out_of_memory(error):
        reason = (str(error).splitlines() or [""])[0].rstrip(".")
        return _OUT_OF_MEMORY.format(reason or "it is used up")
    if isinstance(error, RuntimeError) and "too many open files" in str(error):  # PyTorch's, of several processes
        return f"{_REMEDIES[errno.EMFILE]}."
    if isinstance(error, RuntimeError) and "Connection closed by peer" in str(error):
        return "the connection to another process of this training was lost; the same command goes on."
    return _of_a_place(error) if isinstance(error, OSError) else None


_FULL = "is on a full disk, or the user's share of it is used up; make room there and give the same command again"
_REMEDIES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: "is on a disk that can only be read; give another place",
    errno.EMFILE: "too many files are open; allow more by ulimit -n",
    errno.ENFILE: "the system has too many files open; end other programs",
    errno.EIO: "the disk answers with an error; look at the system's log, and copy what you need elsewhere",
    errno.ENAMETOOLONG: "the name is longer than this disk allows; give a shorter one",
    errno.ENOTDIR: "leads through a file as if it were a folder; give another place",
    errno.EISDIR: "give a file, or remove the folder",
    errno.EEXIST: "is there already, and something else than what belongs there; give another place, or remove it",
    errno.ENOENT: "is not there, or what it links to is not; check the name",
    errno.ENOLCK: "is on a disk that knows no locks; give another place",
    errno.EFBIG: "is longer than a file of this user may be here; allow more by ulimit -f, or give another disk",
}
_OUT_OF_MEMORY = (
    "there is too little memory ({}); nothing is damaged: take a smaller batch_size, data.residency=disk or a machine "
    "with more, and give the same command again."
)


def _of_a_place(error: OSError) -> str | None:
    """A fault of ours is none of the disk; where the disk refuses to read or write on, nobody says in which file."""
    if "No usable temporary directory" in str(error):
        return f"{error.strerror}; make room in one, or set TMPDIR to a folder that can be written."
    if error.filename is None:
        remedy = _REMEDIES.get(error.errno or 0)
        unnamed = "a file, or what this program prints"
        return remedy and (f"{unnamed}, {_FULL}." if remedy == _FULL else f"{unnamed}: {error.strerror}; {remedy}.")
    where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else str(error.filename)
    remedy = _REMEDIES.get(error.errno or 0, "give another place, or this user the right to it")
    return f"{where}: {error.strerror}; {remedy}."


def _reader_left() -> bool:
    """Whether it is this program's output that nobody reads any more, and no other pipe."""
    output = select.poll()
    try:
        output.register(sys.stdout.fileno(), 0)
    except (OSError, ValueError):  # it is no file of the system's
        return False
    return any(events & select.POLLERR for _, events in output.poll(0))


def _drop_output() -> None:
    """What waits to be printed and is refused, which Python would try once more at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refuse(sentence: str) -> NoReturn:
    report(error=sentence)
    _drop_output()
    process = os.environ.get("RANK")
    # Several processes may find the same fault; where we started them, one sentence is printed when all have ended.
    if process is None:
        print(f"error: {sentence}", file=sys.stderr, flush=True)
    elif REPORT_FILE not in os.environ:
        print(f"error: process {process}: {sentence}", file=sys.stderr, flush=True)
    sys.exit(EXIT_USER_ERROR)
