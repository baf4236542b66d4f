"""Whatever a label table holds: sentences with ratings in their range, or one sentence of ours."""

import importlib.util
import io
import os
import time
from pathlib import Path

import pandas as pd
import pytest
from damaged_bytes import WORDS, edits, fuzzed
from hypothesis import given
from hypothesis import strategies as st

from datamodules.corpora.msp_podcast import read
from datamodules.errors import DataError
from datamodules.labels import ATTRIBUTES
from datamodules.sets import is_test_set

pytestmark = pytest.mark.faults
TABLE = "Labels/labels_consensus.csv"
PARTITIONS = b"Test3; MSP-PODCAST_0001_0009.wav\nTrain; MSP-PODCAST_0001_0000.wav\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    path = Path(__file__).parents[1] / "datamodules" / "tiny_corpus.py"
    spec = importlib.util.spec_from_file_location("tiny_corpus", path)
    tiny = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tiny)
    return tiny.write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def table(root):
    return (root / TABLE).read_bytes()


def read_or_told(root):
    told = ""
    try:
        corpus = read(root)
    except DataError as error:
        told = str(error)
    if told:
        assert len(told) < 3000
        assert "\n" not in told
        return
    rows = corpus.table
    assert len(rows) + len(corpus.problems) > 0
    assert not rows["utterance_id"].duplicated().any()
    for attribute in ATTRIBUTES:
        taught = rows.loc[[not is_test_set(split) for split in rows["split"]], attribute]
        assert taught.between(1, 7).all()
        assert (rows[attribute].isna() | rows[attribute].between(1, 7)).all()
    assert all((root / path).resolve().is_relative_to(root.resolve()) for path in rows["path"])
    for problem in corpus.problems:
        assert "\n" not in f"{problem.fault} {problem.remedy}"


@fuzzed
@given(data=st.data())
def test_its_bytes(root, table, data):
    (root / TABLE).write_bytes(data.draw(edits(table) | st.binary(max_size=200)))
    read_or_told(root)
    (root / TABLE).write_bytes(table)


CELLS = st.sampled_from(WORDS).map(lambda word: word.decode("latin-1")) | st.text(max_size=12)


@fuzzed
@given(data=st.data())
def test_its_cells(root, table, data):
    rows = pd.read_csv(io.BytesIO(table), dtype=str)
    for _ in range(data.draw(st.integers(1, 5))):
        column = data.draw(st.sampled_from(list(rows.columns)))
        rows.loc[data.draw(st.integers(0, len(rows) - 1)), column] = data.draw(CELLS)
    rows.to_csv(root / TABLE, index=False, errors="replace")
    read_or_told(root)
    (root / TABLE).write_bytes(table)


@fuzzed
@given(data=st.data())
def test_its_columns(root, table, data):
    rows = pd.read_csv(io.BytesIO(table), dtype=str)
    names = [data.draw(st.just(name) | st.sampled_from(list(rows.columns)) | CELLS) for name in rows.columns]
    keep = data.draw(st.lists(st.sampled_from(range(len(names))), min_size=1, max_size=12))
    rows = rows.iloc[:, keep].set_axis([names[place] for place in keep], axis=1)
    rows.to_csv(root / TABLE, index=False)
    read_or_told(root)
    (root / TABLE).write_bytes(table)


@fuzzed
@given(data=st.data())
def test_the_list_of_partitions(root, table, data):
    (root / "Partitions.txt").write_bytes(data.draw(edits(PARTITIONS)))
    read_or_told(root)
    (root / "Partitions.txt").unlink()


@pytest.mark.parametrize("make", ["fifo", "folder", "wide"])
def test_something_else_in_its_place_ends_within_seconds(root, table, make):
    place = root / TABLE
    place.unlink()
    if make == "fifo":
        os.mkfifo(place)
    elif make == "folder":
        place.mkdir()
    else:
        place.write_bytes(b",".join(b"column%d" % number for number in range(1_000_000)) + b"\n" + b"," * 999_999)
    started = time.perf_counter()
    try:
        with pytest.raises(DataError) as told:
            read(root)
        assert len(str(told.value)) < 3000
        assert time.perf_counter() - started < 10
    finally:
        place.rmdir() if make == "folder" else place.unlink()
        place.write_bytes(table)
