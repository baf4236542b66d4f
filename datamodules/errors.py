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
    """PyTorch, refused memory on a processor, has no kind of its own for it; nor have libraries that find no room."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno == errno.ENOMEM
    words = str(error)
    if isinstance(error, ImportError | OSError):  # of some the reason is in what they were raised from
        before = error.__cause__ or error.__context__
        return "failed to map segment" in words or (before is not None and is_out_of_memory(before))
    return isinstance(error, RuntimeError) and ("can't allocate memory" in words or "not enough memory" in words)
