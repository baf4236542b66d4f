"""Checks of constructor arguments: what a user wrote in a yaml arrives here, of whatever type.

Each returns nothing and raises ValueError with a sentence that says what is allowed.
"""

import math
from collections.abc import Sequence
from typing import Any

LARGEST = 1e30
"""More is no number any more once it is multiplied in float32."""


def whole_number(name: str, value: Any, least: int, most: int | None = None) -> None:
    """An int (True is none) from `least` to `most`."""
    if type(value) is not int or value < least or (most is not None and value > most):
        allowed = f"{least} or more" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} is a whole number {allowed}, not {value!r}")


def number(name: str, value: Any, least: float = 0.0, most: float = LARGEST) -> None:
    """A finite int or float from `least` to `most`."""
    if type(value) not in (int, float) or not math.isfinite(value) or not least <= value <= most:
        bounded = most < LARGEST or (type(value) in (int, float) and value > LARGEST)
        allowed = f"from {least:g} to {most:g}" if bounded else f"{least:g} or more"
        raise ValueError(f"{name} is a finite number {allowed}, not {value!r}")


def probability(name: str, value: Any) -> None:
    """Of dropping out: 0 up to but not 1, which would leave nothing."""
    number(name, value, 0.0, 1.0)
    if value == 1:
        raise ValueError(f"{name} is less than 1, which would drop everything")


def switch(name: str, value: Any) -> None:
    """True or False, and not a string that counts as true."""
    if type(value) is not bool:
        raise ValueError(f"{name} is true or false, not {value!r}")


def one_of(name: str, value: Any, choices: Sequence[str]) -> None:
    """One of the words in `choices`."""
    if value not in choices:
        raise ValueError(f"{name} is one of {', '.join(choices)}, not {value!r}")


def rising_numbers(name: str, values: Any, least: int, most: int) -> None:
    """A list of whole numbers, each larger than the one before; the empty list too."""
    fine = isinstance(values, list | tuple) and all(type(one) is int and least <= one <= most for one in values)
    if not fine or list(values) != sorted(set(values)):
        raise ValueError(f"{name} are numbers from {least} to {most} in rising order, not {values!r}")


def numbers(name: str, values: Any, count: int) -> None:
    """A list of `count` finite numbers, 0 or more."""
    if not isinstance(values, list | tuple) or len(values) != count:
        raise ValueError(f"{name} are {count} numbers, not {values!r}")
    for one in values:
        number(f"each of {name}", one)
