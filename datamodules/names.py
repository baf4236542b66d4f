"""Names of files as cells of a table that a spreadsheet may open: one line, UTF-8, no formula; and back again."""

import os
import re

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins with one of these is a command to a spreadsheet (OWASP, "CSV injection")."""
_SHORT = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPE = re.compile(rb"\\(\\|n|r|t|x[0-9a-f]{2})")
_BYTES = {b"\\": b"\\", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def escaped(name: str | os.PathLike[str]) -> str:
    r"""A file's name with backslashes, control characters, bytes that are no UTF-8, and a formula's first sign escaped.

    >>> escaped("a.wav"), escaped("=1+1\n.wav"), escaped("C:\\x")
    ('a.wav', '\\x3d1+1\\n.wav', 'C:\\\\x')
    """
    text = "".join(map(_escaped, os.fsencode(name).decode("utf-8", "surrogateescape")))
    return f"\\x{ord(text[0]):02x}{text[1:]}" if text.startswith(FORMULA) else text


def unescaped(text: str) -> str:
    r"""The name that `escaped` was given, as Python opens files by it.

    >>> unescaped(escaped("=1+1\n.wav")) == "=1+1\n.wav"
    True
    """

    def byte(found: re.Match[bytes]) -> bytes:
        return _BYTES.get(found[1]) or bytes([int(found[1][1:], 16)])

    return os.fsdecode(_ESCAPE.sub(byte, text.encode("utf-8", "surrogateescape")))


def printable(words: str, kept: str = "") -> str:
    r"""Words with signs that cannot be printed, but for those of `kept`, as Python's escapes.

    >>> printable("a\x1bb\n", kept="\n")
    'a\\x1bb\n'
    """
    return "".join(sign if sign.isprintable() or sign in kept else ascii(sign)[1:-1] for sign in words)


def harmless(text: str) -> str:
    """Words that are no file's name, with an apostrophe before what would be a formula.

    >>> harmless("=1+1"), harmless("anger")
    ("'=1+1", 'anger')
    """
    return f"'{text}" if text.startswith(FORMULA) else text


def _escaped(sign: str) -> str:
    code = ord(sign)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8, as Python keeps it
        return f"\\x{code - 0xDC00:02x}"
    if sign in _SHORT:
        return _SHORT[sign]
    return f"\\x{code:02x}" if code < 0x20 or code == 0x7F else sign
