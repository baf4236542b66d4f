"""Hypothesis strategies: what becomes of a file that was right once. FAULT_CASES says how many are tried."""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

CASES = os.environ.get("FAULT_CASES", "15")
fuzzed = settings(
    max_examples=500 if CASES == "all" else int(CASES),
    deadline=None,
    derandomize=CASES != "all",
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# Words on which readers stumble: quotes, separators, numbers that are none, bytes that are no text, markup.
WORDS = (
    *(b"", b'"', b'""', b",", b";", b"\t", b"\n", b"\r\n", b"\r", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\x80", b"{"),
    *(b"}", b"[", b"]", b":", b"-", b"nan", b"NaN", b"inf", b"-1", b"0", b"1e999", b"1" * 400, b"null", b"true"),
    *(b"../../x", b"/etc/passwd", b"=cmd()", b"<script>", "é😀".encode(), b"A" * 5000, b"[" * 2000, b"\\", b"'", b"#"),
)


def edits(data: bytes) -> st.SearchStrategy[bytes]:
    """`data` with up to six pieces overwritten, left out, doubled or replaced by a word, and perhaps cut off."""
    place = st.integers(0, len(data))
    edit = st.tuples(place, st.integers(0, 40), st.sampled_from(WORDS) | st.binary(max_size=8), st.booleans())
    return st.builds(_edited, st.just(data), st.lists(edit, min_size=1, max_size=6), st.none() | place)


def _edited(data: bytes, changes: list[tuple[int, int, bytes, bool]], end: int | None) -> bytes:
    for place, length, word, doubled in changes:
        data = data[:place] + word + (data[place : place + length] * 2 if doubled else b"") + data[place + length :]
    return data[:end]


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
"""What JSON, YAML or a checkpoint may hold."""


def changed(document: object) -> st.SearchStrategy[object]:
    """Plain data of which one value, at any depth, is something else, or missing."""
    paths = list(_paths(document, ()))
    return st.builds(_with, st.just(document), st.sampled_from(paths), PLAIN, st.booleans())


def _paths(node: object, here: tuple) -> list[tuple]:
    found = [here]
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inner:
        found += _paths(value, (*here, key))
    return found


def _with(node: object, path: tuple, value: object, missing: bool) -> object:
    if not path:
        return value
    first, *rest = path
    if isinstance(node, dict):
        if missing and not rest:
            return {key: one for key, one in node.items() if key != first}
        return {key: _with(one, tuple(rest), value, missing) if key == first else one for key, one in node.items()}
    assert isinstance(node, list)
    return [_with(one, tuple(rest), value, missing) if at == first else one for at, one in enumerate(node)]
