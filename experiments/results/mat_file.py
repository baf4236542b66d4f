"""A matrix from one of Matlab's files, level 5 ("MAT-File Format", The MathWorks).

scipy reads them too, but a damaged one can end its compiled reader, and the whole program, in a segmentation fault.
"""

import struct
import zlib
from collections.abc import Iterator

import numpy as np

HEADER = 128  # bytes: a text, and where it is said that numbers begin with their lowest byte
LITTLE = b"\x00\x01IM"
# Types of elements, and of those the numbers.
MATRIX, COMPRESSED = 14, 15
NUMBERS = {1: "<i1", 2: "<u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8", 12: "<i8", 13: "<u8"}
LARGEST = 2**24  # bytes of a compressed matrix


def read_matrix(content: bytes, name: str) -> np.ndarray:
    """The matrix of real numbers that a file has under this name. Raises ValueError where there is none."""
    if content[124:HEADER] != LITTLE:
        newer = " but of level 7.3" if content[124:126] == b"\x00\x02" else ""
        raise ValueError(f"it is no file of Matlab's level 5{newer}")
    try:
        for kind, data in _elements(content[HEADER:]):
            if kind == COMPRESSED:
                kind, data = next(_elements(zlib.decompressobj().decompress(data, LARGEST)))
            parts = list(_elements(data)) if kind == MATRIX else []
            if len(parts) == 4 and parts[2][1] == name.encode() and parts[3][0] in NUMBERS:
                shape = np.frombuffer(parts[1][1], "<i4")
                return np.frombuffer(parts[3][1], NUMBERS[parts[3][0]]).reshape(shape, order="F")
    except (struct.error, zlib.error, StopIteration) as error:
        raise ValueError(f"it is cut off or damaged ({error})") from error
    raise ValueError(f"it has no matrix of real numbers that is called {name}")


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and bytes of each; they begin at multiples of eight, and very small ones lie in their own heads."""
    place = 0
    while place < len(content):
        kind, size = struct.unpack_from("<II", content, place)
        place += 8
        if kind >> 16:
            kind, size, place = kind & 0xFFFF, kind >> 16, place - 4
        if place + size > len(content):
            raise struct.error("an element is longer than the file")
        yield kind, content[place : place + size]
        place += size if kind == COMPRESSED else -(-(place + size) // 8) * 8 - place
