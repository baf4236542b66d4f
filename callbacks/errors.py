"""What a callback finds that a user can act on."""


class TrainingDiverged(Exception):
    """The model gives NaN or infinity. The message is one sentence: what is wrong, and what to do."""
