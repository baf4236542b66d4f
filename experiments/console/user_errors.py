"""How a program ends: the sentence a user can act on, or a traceback for a fault of ours."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from omegaconf.errors import InterpolationResolutionError, MissingMandatoryValue

from datamodules.errors import UserError
from experiments.console.report_file import REPORT_FILE, report

EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it


@contextmanager
def user_errors() -> Iterator[None]:
    """Print a user error as one sentence and exit 2; exit 130 when interrupted."""
    try:
        yield
    except UserError as error:
        _refuse(str(error))
    except MissingMandatoryValue as error:
        key = getattr(error, "full_key", None) or "an option"
        _refuse(f"{key} is not set; give it on the command line, as in {key}=VALUE.")
    except InterpolationResolutionError as error:
        reason = str(error).splitlines()[0]
        _refuse(f"an option refers to another that is not there: {reason}; check the last options.")
    except OSError as error:  # of a place that somebody named; a fault of ours has no file in it
        if error.filename is None:
            raise
        _refuse(f"{error.filename}: {error.strerror}; give another place, or this user the right to it.")
    except KeyboardInterrupt:
        print("interrupted; the same command goes on where this one stopped.", file=sys.stderr, flush=True)
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:
        report(error=f"{type(error).__name__}: {error}")
        raise


def _refuse(sentence: str) -> NoReturn:
    report(error=sentence)
    process = os.environ.get("RANK")
    # Several processes may find the same fault; where we started them, one sentence is printed when all have ended.
    if process is None:
        print(f"error: {sentence}", file=sys.stderr, flush=True)
    elif REPORT_FILE not in os.environ:
        print(f"error: process {process}: {sentence}", file=sys.stderr, flush=True)
    sys.exit(EXIT_USER_ERROR)
