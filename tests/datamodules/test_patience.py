"""Work is waited for so long and no longer."""

import threading

import pytest

from datamodules.patience import Patience


def test_what_ends_is_given_and_what_does_not_is_left_alone() -> None:
    within, go = Patience(0.2), threading.Event()
    assert within(lambda: 1) == 1
    with pytest.raises(TimeoutError, match=r"did not end within 0\.2 s"):
        within(go.wait)
    assert within(lambda: 2) == 2  # though the first still waits
    go.set()
    assert within(lambda: 3) == 3  # and its late answer is not taken for this one's
    with pytest.raises(ZeroDivisionError):
        within(lambda: 1 // 0)
    within.end()
