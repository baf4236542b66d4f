"""How a program ends for its user."""

import pytest

from datamodules.errors import DataError
from experiments.console.user_errors import user_errors


def test_a_users_mistake_ends_with_one_sentence_and_code_2(capsys):
    with pytest.raises(SystemExit) as caught, user_errors():
        raise DataError("x.wav: broken; mend it.")
    assert caught.value.code == 2
    assert capsys.readouterr().err == "error: x.wav: broken; mend it.\n"


def test_an_interruption_ends_with_code_130():
    with pytest.raises(SystemExit) as caught, user_errors():
        raise KeyboardInterrupt
    assert caught.value.code == 130
