"""A file's name in a table comes back as it was, whatever it is, and is no formula of a spreadsheet's."""

import csv
import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.names import FORMULA, escaped, harmless, unescaped

BYTES = st.binary(min_size=1, max_size=40).filter(lambda one: b"\0" not in one)


@given(BYTES)
def test_every_name_comes_back(name: bytes) -> None:
    text = escaped(os.fsdecode(name))
    assert os.fsencode(unescaped(text)) == name
    assert not text.startswith(FORMULA)
    assert text.isprintable() or not any(ord(sign) < 0x20 for sign in text)
    table = io.StringIO()
    csv.writer(table).writerow([text])
    assert next(csv.reader(io.StringIO(table.getvalue()))) == [text]
    assert len(table.getvalue().splitlines()) == 1 or any(sign in text for sign in "\x85\u2028\u2029")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a b/ä.wav", "a b/ä.wav"),
        ("=cmd|' /C calc'!A0.wav", "\\x3dcmd|' /C calc'!A0.wav"),
        ("-1.wav", "\\x2d1.wav"),
        ("@x", "\\x40x"),
        ("a\nb", "a\\nb"),
        ("a\\nb", "a\\\\nb"),
        (os.fsdecode(b"a\xff"), "a\\xff"),
    ],
)
def test_what_is_escaped_and_how(name: str, text: str) -> None:
    assert escaped(name) == text
    assert unescaped(text) == name


@given(st.text(max_size=20))
def test_words_are_no_formula(words: str) -> None:
    assert not harmless(words).startswith(FORMULA)
    assert harmless(words) in (words, f"'{words}")
