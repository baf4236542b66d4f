"""What a user can mend is told in one sentence; everything else is a traceback."""


class DataError(Exception):
    """Bad input from outside. The message is one sentence: what is wrong, where, and what to do."""
