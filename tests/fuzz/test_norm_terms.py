"""Whatever the authors' norm terms hold, they are so many finite numbers, or one sentence."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from fuzz.forms import fuzz, result_or_sentence, short_and_long
from fuzz.mutations import damaged
from scipy.io import loadmat, savemat

from datamodules.errors import DataError
from experiments.results.mat_file import read_matrix
from experiments.results.released import norm_term

pytestmark = pytest.mark.faults
SIZE = 128


def mat(content: object, name: str = "normal_para", compressed: bool = False) -> bytes:
    file = io.BytesIO()
    savemat(file, {name: content}, do_compression=compressed)
    return file.getvalue()


GOOD = mat(np.linspace(-1, 1, SIZE)[None])
COMPRESSED = mat(np.linspace(-1, 1, SIZE)[None], compressed=True)
# The header of Matlab 7.3: a text, a version, and then HDF5.
NEWEST = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x89HDF\r\n\x1a\n".rjust(392, b"\0")


@short_and_long
@pytest.mark.parametrize("good", [GOOD, COMPRESSED], ids=["plain", "compressed"])
def test_norm_terms(good: bytes, cases: int, tmp_path: Path) -> None:
    def check(content: bytes) -> None:
        (tmp_path / "x.mat").write_bytes(content)
        found = result_or_sentence(lambda: norm_term(tmp_path, "x", SIZE))
        if found is not None:
            assert found.shape == (SIZE,)
            assert found.dtype == torch.float32

    fuzz(cases, damaged(good), check, good)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cannot be read as norm terms"),
        (GOOD[:200], "cannot be read as norm terms"),
        (GOOD[:1000], "cannot be read as norm terms"),
        (COMPRESSED[:-20], "cannot be read as norm terms"),
        (NEWEST, "cannot be read as norm terms .*level 7.3"),
        (mat(np.zeros(SIZE), "mean"), "cannot be read as norm terms .*normal_para"),
        (mat(np.zeros((SIZE, 2))), r"of shape \(128, 2\) and not 128 finite numbers"),
        (mat(np.zeros(1)), "not 128 finite numbers"),
        (mat(np.zeros(0)), "not 128 finite numbers"),
        (mat("a word"), "not 128 finite numbers|no matrix of real numbers"),
        (mat(np.zeros(SIZE) + 1j), "no matrix of real numbers that is called normal_para"),
        (mat({"a": 1}), "no matrix of real numbers"),
        (mat(np.full(SIZE, np.nan)), "not 128 finite numbers"),
    ],
)
def test_what_is_none_is_told(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "x.mat").write_bytes(content)
    with pytest.raises(DataError, match=rf"x\.mat: .*{said}.*; fetch the file again\."):
        norm_term(tmp_path, "x", SIZE)


@pytest.mark.parametrize("kind", ["i1", "u2", "i4", "f4", "f8", ">f8", "u8"])
@pytest.mark.parametrize("shape", [(1, 128), (128, 1), (3, 5), (1, 1)])
@pytest.mark.parametrize("compressed", [False, True])
def test_it_is_read_as_scipy_reads_it(kind: str, shape: tuple[int, int], compressed: bool) -> None:
    values = np.random.default_rng(0).integers(0, 100, shape).astype(kind)
    content = mat(values, compressed=compressed)
    expected = loadmat(io.BytesIO(content))["normal_para"]
    np.testing.assert_array_equal(read_matrix(content, "normal_para"), expected)
    np.testing.assert_array_equal(expected, values)


def test_a_pipe_in_their_place_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.mat")
    with pytest.raises(DataError, match=r"x\.mat: is a pipe"):
        norm_term(tmp_path, "x", SIZE)
