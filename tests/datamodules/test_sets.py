"""The sets of a run, from a corpus with features."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from references.noise_corpus import noise_corpus
from torch import Tensor

from datamodules.chunking import ChunkSettings
from datamodules.corpus import Corpus
from datamodules.errors import DataError
from datamodules.feature_store import FeatureStore
from datamodules.features import FeatureSettings
from datamodules.fill_store import fill_store
from datamodules.front_end import FrontEnd
from datamodules.sets import is_test_set, make_sets

SETTINGS = FeatureSettings(num_mels=8)
CHUNKS = ChunkSettings(window_seconds=0.05, max_seconds=0.2)
SPLITS = ["train", "test1", "train", "unlabeled", "development", "train"]


def valence(rows: pd.DataFrame) -> Tensor:
    return torch.tensor(rows[["valence"]].to_numpy(dtype="float32")) - 4


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Corpus, FeatureStore, FrontEnd]:
    corpus = noise_corpus(tmp_path / "audio", len(SPLITS))
    table = corpus.table.assign(split=SPLITS, valence=[1.0, 2.0, 3.0, float("nan"), 5.0, 6.0])
    corpus, store = fill_store(replace(corpus, table=table), SETTINGS, tmp_path / "stores", 0.0, progress=False)
    return corpus, store, FrontEnd.of_training_set(store, corpus.rows("train"), SETTINGS, CHUNKS)


def test_a_set_a_split_under_the_name_a_run_gives_it(stored: tuple[Corpus, FeatureStore, FrontEnd]) -> None:
    corpus, store, front_end = stored
    sets = make_sets(corpus, store, front_end, valence, corpus.splits())
    assert list(sets) == ["L", "test1", "U", "development"]
    assert [one.name for one in sets.values()] == list(sets)
    assert [len(one) for one in sets.values()] == [3, 1, 1, 1]
    assert list(make_sets(corpus, store, front_end, valence, ["test1"])) == ["test1"]


def test_labels_are_what_encode_makes_of_the_rows(stored: tuple[Corpus, FeatureStore, FrontEnd]) -> None:
    corpus, store, front_end = stored
    sets = make_sets(corpus, store, front_end, valence, corpus.splits())
    assert sets["L"].labels.tolist() == [[-3.0], [-1.0], [2.0]]
    assert sets["U"].labels.isnan().all()


def test_frames_and_chunks_are_those_of_the_store_and_the_front_end(
    stored: tuple[Corpus, FeatureStore, FrontEnd],
) -> None:
    corpus, store, front_end = stored
    one = make_sets(corpus, store, front_end, valence, ["train"])["L"]
    offsets, lengths = store.locate(one.table["utterance_id"])
    assert one.table["utterance_id"].tolist() == ["u0000.wav", "u0002.wav", "u0005.wav"]
    assert torch.equal(one.offsets, offsets)
    assert torch.equal(one.lengths, lengths)
    assert (one.num_chunks, one.window_frames) == (4, 3)
    chunk = one.gather(torch.tensor([1]), torch.tensor([[0]]))[0, 0]
    assert torch.equal(chunk, store.frames[offsets[1] : offsets[1] + 3].float())


def test_a_sentence_without_features_is_told(stored: tuple[Corpus, FeatureStore, FrontEnd]) -> None:
    corpus, store, front_end = stored
    stranger = replace(corpus, table=corpus.table.assign(utterance_id="stranger.wav"))
    with pytest.raises(DataError, match="no features of 3 utterances"):
        make_sets(stranger, store, front_end, valence, ["train"])


def test_which_sets_are_tests() -> None:
    assert [name for name in ("L", "U", "development", "test", "test12") if is_test_set(name)] == ["test", "test12"]
