"""Files and plain data that were once good, and what may have become of them."""

import json
import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

TOKENS = (
    *(b"", b"\0", b"\n", b"\r\n", b"\r", b"\t", b'"', b"'", b",", b";", b"\\", b"{", b"}", b"[", b"]", b":", b"|"),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xff", b"\xc3", "\u2028".encode(), "ä".encode("latin-1"), b"%", b"<b>", b"=1+1"),
    *(b"nan", b"NaN", b"inf", b"-inf", b"1e999", b"-1", b"0", b"9" * 400, b"null", b"true", b"1e-320", b"0x10"),
    *(b"!!python/object:os.system x", b"&a [*a]", b"${oc.env:HOME}", b"../../x", b"/etc/passwd", b"PAR1"),
)
"""What text may hold that its reader does not think of."""
VALUES = (
    *(None, True, 0, -1, 2**31, 2**63, -(2**63) - 1, 10**400, 0.5, -0.0, 1e308, math.nan, math.inf, -math.inf),
    *("", "x", "nan", "1e999", "\0", "\n", "a" * 10_000, "\ud800", "../..", "<script>", "${x}"),
    *([], {}, [[]], [None], {"": None}, ["x"] * 100, {"_target_": "os.system"}),
)
"""What plain data may hold."""


def nested(depth: int, of_dicts: bool = False) -> Any:
    """So many lists, or dicts, in each other."""
    made: Any = 0
    for _ in range(depth):
        made = {"a": made} if of_dicts else [made]
    return made


@st.composite
def damaged(draw: st.DrawFn, good: bytes, most: int = 4) -> bytes:
    """Bytes that were `good`, cut, doubled, overwritten, encoded otherwise; or any others."""
    content = good
    for _ in range(draw(st.integers(1, most))):
        start = draw(st.integers(0, len(content)))
        stop = min(len(content), start + draw(st.sampled_from((0, 0, 1, 2, 8, 64, 10**9))))
        part = draw(
            st.one_of(
                st.sampled_from(TOKENS),
                st.binary(max_size=20),
                st.builds(lambda token, times: token * times, st.sampled_from(TOKENS), st.sampled_from((2, 100, 5000))),
                st.just(content[start:stop] * 2),
            )
        )
        content = content[:start] + part + content[stop:]
    way = draw(st.sampled_from(("", "", "", "", "utf-16", "utf-8-sig", "bytes")))
    if way == "bytes":
        return draw(st.binary(max_size=300))
    return content.decode("latin-1").encode(way) if way else content


@st.composite
def changed_table(draw: st.DrawFn, header: Sequence[str], rows: Sequence[Sequence[str]], separator: str = ",") -> bytes:
    """A table as text with columns dropped, doubled, renamed or in another order, and cells of another kind."""
    table = [list(header), *(list(row) for row in rows)]
    for _ in range(draw(st.integers(1, 3))):
        column = draw(st.integers(0, len(table[0]) - 1)) if table[0] else 0
        what = draw(st.sampled_from(("drop", "double", "rename", "cell", "cell", "cell", "column", "row", "wide")))
        token = draw(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=8))).decode("latin-1")
        row = draw(st.integers(0, len(table) - 1))
        if what == "drop":
            table = [one[:column] + one[column + 1 :] for one in table]
        elif what == "double":
            table = [one + one[column : column + 1] for one in table]
        elif what == "rename":
            table[0][column : column + 1] = [token]
        elif what == "cell":
            table[row][column : column + 1] = [token]
        elif what == "column":
            table[1:] = [[*one[:column], token, *one[column + 1 :]] for one in table[1:]]
        elif what == "row":
            table.insert(row, draw(st.sampled_from((table[row], [], [token], table[0]))))
        else:
            table[row] = table[row] * draw(st.sampled_from((2, 1000)))
    lines = [separator.join(one) for one in table]
    return draw(st.sampled_from(("\n", "\n", "\n", "\r\n", "\r"))).join([*lines, ""]).encode("latin-1")


@st.composite
def changed(draw: st.DrawFn, good: Any, values: Sequence[Any] = VALUES, most: int = 3) -> Any:
    """Plain data, `good` but for places whose values are others, are gone, are new, or are nested deeply."""
    tree = {"": deepcopy(good)}
    for _ in range(draw(st.integers(1, most))):
        node, key = _place(draw, tree)
        what = draw(st.sampled_from(("other", "other", "other", "gone", "new", "deep", "swap", "wrap")))
        if what == "other":
            node[key] = deepcopy(draw(st.sampled_from(values)))
        elif what == "gone" and node is not tree:
            del node[key]
        elif what == "new" and isinstance(node[key], dict):
            node[key][draw(st.sampled_from(("x", "_target_", "self", "task", "")))] = deepcopy(
                draw(st.sampled_from(values))
            )
        elif what == "deep":
            node[key] = nested(draw(st.sampled_from((3, 200, 900))), draw(st.booleans()))
        elif what == "swap":
            other, place = _place(draw, tree)
            node[key] = deepcopy(other[place])
        elif what == "wrap":
            node[key] = draw(st.sampled_from((lambda one: [one], lambda one: {"a": one}, str)))(node[key])
    return tree[""]


def _place(draw: st.DrawFn, tree: Any) -> tuple[Any, Any]:
    """A container and a key of it, deeper ones no rarer."""
    node, key = tree, ""
    while isinstance(node[key], dict | list) and node[key] and draw(st.integers(0, 4)):
        node = node[key]
        key = draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))
    return node, key


def as_json(tree: Any) -> bytes:
    """Also what JSON has no words for, as Python writes it."""
    return json.dumps(tree).encode()


def documents(good: Any, write: Callable[[Any], bytes] = as_json) -> st.SearchStrategy[bytes]:
    """A document with other content, or damaged as bytes."""
    return st.one_of(changed(good).map(write), damaged(write(good)))
