"""What a user can mend is told in one sentence; everything else is a traceback."""


class UserError(Exception):
    """What a user can act on. The message is one sentence: what is wrong, where, and what to do."""


class DataError(UserError):
    """Bad input from outside: audio, tables and folders, or an option that does not fit them."""


class ConfigurationError(UserError):
    """Options that contradict each other."""


class TrainingDiverged(UserError):  # noqa: N818 (named for what it says)
    """The model gives NaN or infinity."""
