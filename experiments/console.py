"""How a program ends: the sentence a user can act on, or a traceback for a fault of ours."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from omegaconf.errors import InterpolationResolutionError, MissingMandatoryValue

from callbacks.errors import TrainingDiverged
from datamodules.errors import DataError

EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it


class ConfigurationError(Exception):
    """Options that contradict each other. The message is one sentence: what, and what to change."""


# What a user can act on; each has a message of one sentence.
USER_ERRORS = (DataError, ConfigurationError, TrainingDiverged)


@contextmanager
def user_errors() -> Iterator[None]:
    """Print a user error as one sentence and exit 2; exit 130 when interrupted."""
    try:
        yield
    except USER_ERRORS as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        sys.exit(EXIT_USER_ERROR)
    except MissingMandatoryValue as error:
        key = getattr(error, "full_key", None) or "an option"
        print(f"error: {key} is not set; give it on the command line, as in {key}=VALUE.", file=sys.stderr)
        sys.exit(EXIT_USER_ERROR)
    except InterpolationResolutionError as error:
        reason = str(error).splitlines()[0]
        print(
            f"error: an option refers to another that is not there: {reason}; check the last options.", file=sys.stderr
        )
        sys.exit(EXIT_USER_ERROR)
    except KeyboardInterrupt:
        print("interrupted; the same command goes on where this one stopped.", file=sys.stderr, flush=True)
        sys.exit(EXIT_INTERRUPTED)
