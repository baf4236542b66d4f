"""What constructors refuse."""

import pytest

from sermodels.arguments import number


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        (-1, "0 or more"),
        (float("nan"), "0 or more"),
        (True, "0 or more"),
        ("1", "0 or more"),
        (1e38, "from 0 to 1e.30"),
    ],
)
def test_a_number_that_is_none_or_none_any_more_is_refused(value, allowed):
    with pytest.raises(ValueError, match=f"rate is a finite number {allowed}, not"):
        number("rate", value)
    number("rate", 1e30)
