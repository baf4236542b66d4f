"""Digests that follow the data and nothing else."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from references.noise_corpus import corpus_of, noise_corpus

from datamodules import content
from datamodules.corpus import Corpus
from datamodules.feature_store import FeatureStore
from datamodules.features import FeatureSettings
from datamodules.fill_store import fill_store
from datamodules.fingerprint import data_fingerprint, sets_digest
from datamodules.sentence_set import SentenceSet


@pytest.fixture
def prepared(tmp_path: Path):
    def prepare(corpus: Corpus) -> tuple[Corpus, FeatureStore]:
        return fill_store(corpus, FeatureSettings(num_mels=8), tmp_path / "stores", 0.5, progress=False)

    return prepare


def test_the_fingerprint_is_of_the_data_not_of_the_place(tmp_path: Path, prepared) -> None:
    here = noise_corpus(tmp_path / "here", 4)
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    names = list(here.table["path"])
    of_here = data_fingerprint([prepared(here)])
    assert data_fingerprint([prepared(corpus_of(tmp_path / "there", names[::-1]))]) == of_here
    assert data_fingerprint([prepared(corpus_of(tmp_path / "there", names[:3]))]) != of_here
    assert data_fingerprint([prepared(here), prepared(here)]) != of_here


def test_a_copy_that_was_processed_is_other_data_though_names_and_sizes_are_the_same(tmp_path: Path, prepared) -> None:
    clean = noise_corpus(tmp_path / "clean", 4)
    shutil.copytree(tmp_path / "clean", tmp_path / "noisy")
    name = clean.table["path"][2]
    samples, rate = soundfile.read(tmp_path / "noisy" / name)
    soundfile.write(tmp_path / "noisy" / name, 0.5 * samples, rate)
    assert (tmp_path / "noisy" / name).stat().st_size == (tmp_path / "clean" / name).stat().st_size
    noisy = corpus_of(tmp_path / "noisy", list(clean.table["path"]))
    assert data_fingerprint([prepared(noisy)]) != data_fingerprint([prepared(clean)])


def test_no_file_is_read_again_while_its_size_and_time_agree(tmp_path: Path, prepared, monkeypatch) -> None:
    corpus = noise_corpus(tmp_path / "corpus", 3)
    before = data_fingerprint([prepared(corpus)])
    changed = corpus.table["path"][1]
    with monkeypatch.context() as patched:
        patched.setattr(content.xxhash, "xxh3_128", lambda *_: pytest.fail("a file was read"))
        assert data_fingerprint([prepared(corpus)]) == before
    samples = np.random.default_rng(9).normal(0, 0.1, 1600)
    soundfile.write(tmp_path / "corpus" / changed, samples, 16000)
    assert data_fingerprint([prepared(corpus)]) != before
    # Touched, but the same: read again, and found to be what it was.
    again = data_fingerprint([prepared(corpus)])
    os.utime(tmp_path / "corpus" / changed)
    assert data_fingerprint([prepared(corpus)]) == again


def test_labels_versions_and_splits_are_part_of_it_and_a_lost_file_too(tmp_path: Path, prepared) -> None:
    here = noise_corpus(tmp_path / "corpus", 3)
    moved = here.table.assign(split=["development", "train", "train"])
    variants = (here, replace(here, version="2"), replace(here, label_digest="1"), replace(here, table=moved))
    prints = {data_fingerprint([prepared(one)]) for one in variants}
    (tmp_path / "corpus" / "u0001.wav").unlink()
    prints.add(data_fingerprint([prepared(here)]))
    assert len(prints) == 5


def test_sets_of_other_sentences_have_another_digest() -> None:
    def one(name: str, length: int) -> SentenceSet:
        table, lengths = pd.DataFrame({"utterance_id": [name]}), torch.tensor([length])
        frames, starts = torch.zeros(length, 2).half(), torch.zeros(1, 2, dtype=torch.long)
        return SentenceSet("L", table, frames, torch.tensor([0]), lengths, torch.zeros(1, 1), starts, 3)

    digests = [
        sets_digest(sets) for sets in ({"L": one("a", 5)}, {"L": one("b", 5)}, {"L": one("a", 6)}, {"U": one("a", 5)})
    ]
    assert len(set(digests)) == 4
    assert all(len(digest) == 8 for digest in digests)
    assert sets_digest({"L": one("a", 5), "U": one("b", 6)}) == sets_digest({"U": one("b", 6), "L": one("a", 5)})
