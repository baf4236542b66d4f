"""What a user can mend is told in one sentence; everything else is a traceback."""

import errno


class UserError(Exception):
    """What a user can act on. The message is one sentence: what is wrong, where, and what to do."""


class DataError(UserError):
    """Bad input from outside: audio, tables and folders, or an option that does not fit them."""


class ConfigurationError(UserError):
    """Options that contradict each other."""


class TrainingDiverged(UserError):  # noqa: N818 (named for what it says)
    """The model gives NaN or infinity."""


def is_out_of_memory(error: BaseException) -> bool:
    """PyTorch, refused memory on a processor, has no kind of its own for it."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    words = str(error)
    return isinstance(error, RuntimeError) and ("can't allocate memory" in words or "not enough memory" in words)
