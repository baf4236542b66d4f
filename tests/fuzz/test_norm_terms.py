"""The authors' norm terms, damaged: one sentence of ours."""

import io

import numpy as np
import pytest
from damaged_bytes import edits, fuzzed
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import savemat

from datamodules.errors import DataError
from experiments.results.released import norm_term

pytestmark = pytest.mark.faults


def written(**values) -> bytes:
    file = io.BytesIO()
    savemat(file, values)
    return file.getvalue()


WHOLE = written(normal_para=np.linspace(1, 2, 128))
OTHERS = {
    "another name": written(normal=np.ones(128)),
    "another number of bins": written(normal_para=np.ones(40)),
    "words": written(normal_para="words"),
    "a structure": written(normal_para={"mean": 3.0}),
    "cells": written(normal_para=np.array([1.0, "a"], dtype=object)),
    "complex": written(normal_para=np.ones(128) * 1j),
    "not finite": written(normal_para=np.full(128, np.nan)),
    "nothing": written(normal_para=np.ones(0)),
    "version 7.3": b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Mon Jan  1 00:00:00 2024".ljust(116)
    + b"\0" * 8
    + b"\x00\x02IM"
    + b"\x89HDF\r\n\x1a\n"
    + b"\0" * 600,
    "empty": b"",
    "half": WHOLE[: len(WHOLE) // 2],
}


@pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS)
def test_a_file_of_another_kind(tmp_path, content):
    (tmp_path / "feat_norm_means.mat").write_bytes(content)
    with pytest.raises(DataError, match=r"feat_norm_means\.mat: .*norm terms") as told:
        norm_term(tmp_path, "feat_norm_means", 128)
    assert "\n" not in str(told.value)


def test_what_stands_there(tmp_path):
    (tmp_path / "one.mat").write_bytes(WHOLE)
    assert norm_term(tmp_path, "one", 128).tolist() == pytest.approx(np.linspace(1, 2, 128))


@fuzzed
@given(data=st.data())
def test_its_bytes(tmp_path, data):
    (tmp_path / "one.mat").write_bytes(data.draw(edits(WHOLE)))
    said = ""
    try:
        assert len(norm_term(tmp_path, "one", 128)) == 128
    except DataError as error:
        said = str(error)
    assert "\n" not in said
