"""Digests that follow the data and nothing else."""

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch
from references.noise_corpus import corpus_of, noise_corpus

from datamodules.fingerprint import data_fingerprint, sets_digest
from datamodules.sentence_set import SentenceSet


def test_the_fingerprint_is_of_the_data_not_of_the_place(tmp_path: Path) -> None:
    here = noise_corpus(tmp_path / "here", 4)
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    names = list(here.table["path"])
    print_of_here = data_fingerprint(here, None)
    assert data_fingerprint(corpus_of(tmp_path / "there", names[::-1]), None) == print_of_here
    assert data_fingerprint(corpus_of(tmp_path / "there", names[:3]), None) != print_of_here
    assert data_fingerprint(here, here) != print_of_here
    with (tmp_path / "there" / names[0]).open("ab") as file:
        file.write(b"more")
    assert data_fingerprint(corpus_of(tmp_path / "there", names), None) != print_of_here


def test_labels_and_versions_are_part_of_it_and_a_lost_file_too(tmp_path: Path) -> None:
    here = noise_corpus(tmp_path, 3)
    prints = {
        data_fingerprint(one, None) for one in (here, replace(here, version="2"), replace(here, label_digest="1"))
    }
    (tmp_path / "u0001.wav").unlink()
    prints.add(data_fingerprint(here, None))
    assert len(prints) == 4


def test_sets_of_other_sentences_have_another_digest() -> None:
    def one(name: str, length: int) -> SentenceSet:
        table, lengths = pd.DataFrame({"utterance_id": [name]}), torch.tensor([length])
        return SentenceSet(
            "L", table, torch.zeros(length, 2).half(), torch.tensor([0]), lengths, torch.zeros(1, 1), 2, 3, "floor"
        )

    digests = [
        sets_digest(sets) for sets in ({"L": one("a", 5)}, {"L": one("b", 5)}, {"L": one("a", 6)}, {"U": one("a", 5)})
    ]
    assert len(set(digests)) == 4
    assert all(len(digest) == 8 for digest in digests)
    assert sets_digest({"L": one("a", 5), "U": one("b", 6)}) == sets_digest({"U": one("b", 6), "L": one("a", 5)})
