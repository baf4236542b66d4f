"""How many cases are drawn, and what each of them must come to.

Every test has a short form, always the same few cases, which is part of the default suite; and a long one, new cases
each time, as many as FAULT_CASES says (`make test-faults` takes all there are time for).
"""

import os
import signal
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy

from experiments.console.user_errors import sentence_of

T = TypeVar("T")
CASES = os.environ.get("FAULT_CASES", "12")
SHORT = 10
LONG = 1000 if CASES == "all" else 25 * int(CASES)
LONGEST_SENTENCE = 2500  # what lists the first of several kinds of faults is long
SECONDS_A_CASE = 60.0  # most take milliseconds; a figure, followed line by line on a busy machine, half of them

short_and_long = pytest.mark.parametrize(
    "cases", [pytest.param(SHORT, id="short"), pytest.param(LONG, id="long", marks=pytest.mark.slow)]
)


def fuzz(cases: int, hostile: SearchStrategy[T], check: Callable[[T], Any], *known: T) -> None:
    """Call `check` with so many of what is `hostile`, and first with what once was not survived."""
    for one in known:
        in_time(check, one)
    decorated = settings(
        max_examples=cases,
        derandomize=cases == SHORT,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )(given(hostile)(lambda one: in_time(check, one)))
    decorated()


def in_time(check: Callable[[T], Any], one: T) -> None:
    """A case that does not end is a fault of ours, too."""

    def ended(*_: Any) -> None:
        raise AssertionError(f"did not end within {SECONDS_A_CASE:g} s")

    before = signal.signal(signal.SIGALRM, ended)
    signal.setitimer(signal.ITIMER_REAL, SECONDS_A_CASE)
    try:
        check(one)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def result_or_sentence(read: Callable[[], T]) -> T | None:
    """What `read` gives; None where it refuses in one sentence. Anything else that it raises is a fault of ours."""
    try:
        return read()
    except Exception as error:
        sentence = sentence_of(error)
        if sentence is None:
            raise
        assert sentence.isprintable(), sentence
        assert 10 < len(sentence) < LONGEST_SENTENCE, sentence
        return None
