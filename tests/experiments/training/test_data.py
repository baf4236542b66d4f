"""Which files a run reads, what it tells of them, and that a run is known by what they hold."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from datamodules.chunking import ChunkSettings
from datamodules.errors import ConfigurationError, DataError
from datamodules.feature_store import FeatureStore
from datamodules.fingerprint import data_fingerprint
from experiments.console.log_lines import log_to_console
from experiments.training.data import (
    fitted_task,
    make_datamodule,
    prepare_data,
    prepared_before,
    read_corpora,
)
from experiments.training.notes import data_notes
from experiments.training.one_run import train
from sermodels.parts import make
from sermodels.tasks.task import Task

FREE = ("unlabeled_size=0", "pretrained.weights=random")


@pytest.fixture
def own(tiny, corpus_root, tmp_path, planned):
    """A plan on a copy of the tiny corpus, which a test may spoil."""
    planned_corpus = planned(*tiny)
    read_corpora(planned_corpus.data)  # makes the corpus where it is not there yet
    root = tmp_path / "corpus"
    shutil.copytree(corpus_root, root)
    return lambda *options: planned(
        *(one for one in tiny if not one.startswith(("data.root=", "store_root="))),
        *(f"data.root={root}", f"store_root={tmp_path / 'stores'}", *options),
    )


def root_of(plan) -> Path:
    return Path(plan.data.corpus["root"])


def audio(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.wav"))


def test_copies_of_labelled_files_in_the_pool_are_found_by_name_and_by_content(own):
    plan = own("unlabeled_size=4")
    labelled = audio(root_of(plan) / "Audios")
    pool = root_of(plan) / "Unlabeled"
    shutil.copy(labelled[0], pool / labelled[0].name.lower())
    shutil.copy(labelled[1], pool / f"{labelled[1].stem}.WAV")
    samples, rate = soundfile.read(labelled[2])
    soundfile.write(pool / f"{labelled[2].stem}.flac", samples, rate)
    for number, path in enumerate(labelled[3:9]):
        shutil.copy(path, pool / f"another name {number}.wav")
    plain = prepare_data(own("unlabeled_size=8").data, progress=False)
    assert not [name for name in plain.pool.table["utterance_id"] if "another name" in name]
    notes = data_notes(plain, ChunkSettings())
    assert any("3 files of the pool are also labelled" in note for note in notes)
    small = prepare_data(plan.data, progress=False)
    # Nested also where copies were found.
    assert small.pool.table["utterance_id"].tolist() == plain.pool.table["utterance_id"].tolist()[:4]
    with pytest.raises(DataError, match="unlabeled_size=9 was asked for"):
        prepare_data(own("unlabeled_size=9").data, progress=False)


def test_a_processed_copy_of_a_corpus_is_another_run_and_a_plain_copy_is_not(own, tmp_path):
    plan = own("rounds=1", "unlabeled_size=0")
    first = train(plan)
    shutil.copytree(root_of(plan), tmp_path / "moved")
    again = train(own("rounds=1", "unlabeled_size=0", f"data.root={tmp_path / 'moved'}"))
    assert again.path == first.path
    for path in audio(tmp_path / "moved" / "Audios"):
        samples, rate = soundfile.read(path)
        size = path.stat().st_size
        soundfile.write(path, samples + np.random.default_rng(0).normal(0, 0.01, samples.shape), rate)
        assert path.stat().st_size == size
    noisy = train(own("rounds=1", "unlabeled_size=0", f"data.root={tmp_path / 'moved'}"))
    assert noisy.path != first.path
    assert noisy.outcome["data"] != first.outcome["data"]


def test_a_done_run_is_answered_without_reading_a_file(own, monkeypatch):
    plan = own("rounds=1", "unlabeled_size=0")
    done = train(plan)
    monkeypatch.setattr("datamodules.extract_files.read_audio", lambda *_: pytest.fail("a file was read"))
    monkeypatch.setattr("datamodules.extract_files.content_digest", lambda *_: pytest.fail("a file was read"))
    assert train(plan).path == done.path


def test_notes_of_the_data_are_in_the_log_and_in_the_result(own, tmp_path):
    log_to_console()  # as the programs do; it decides what is logged
    plan = own("rounds=1", "unlabeled_size=4", "num_clusters=4")
    table = root_of(plan) / "Labels" / "labels_consensus.csv"
    rows = pd.read_csv(table, dtype=str)
    tested = rows.index[rows["Split_Set"] == "Test1"]
    rows.loc[tested[:2], "SpkrID"] = rows.loc[rows["Split_Set"] == "Train", "SpkrID"].iloc[0]
    rows.to_csv(table, index=False)
    run = train(plan)
    corpus = run.metrics.corpus
    assert corpus["pool"] == "folder"
    assert any("2 sentences of test1 are of 1 speakers who are in train too" in note for note in corpus["notes"])
    log = (run.path / "run.log").read_text()
    assert all(note in log for note in corpus["notes"])


def test_a_pool_that_is_not_read_is_told(own):
    data = prepare_data(own("unlabeled_size=0").data, progress=False)
    assert data.pool is None
    assert any(
        "a pool is given and not read: unlabeled_size is 0" in note for note in data_notes(data, ChunkSettings())
    )


def test_what_is_odd_about_a_corpus_is_noted(own):
    plan = own("unlabeled_size=0")
    labels = root_of(plan) / "Labels" / "labels_consensus.csv"
    rows = pd.read_csv(labels, dtype=str)
    before = data_notes(prepare_data(plan.data, progress=False), ChunkSettings())
    assert not any("alike" in note or "byte by byte" in note or "one speaker" in note for note in before)
    rows.loc[rows["Split_Set"] == "Development", "EmoAct"] = "4.5"
    rows.loc[rows["Split_Set"] == "Train", "SpkrID"] = "7"
    rows.to_csv(labels, index=False)
    folder = root_of(plan) / "Audios"
    train, test = (list(rows.loc[rows["Split_Set"] == name, "FileName"]) for name in ("Train", "Test1"))
    for name in (*train[1:4], test[0]):
        shutil.copy(folder / train[0], folder / name)
    notes = data_notes(prepare_data(plan.data, progress=False), ChunkSettings())
    for said in (
        "sentences of development are rated 4.5 in arousal, so no CCC of it is defined",
        "sentences of train are of one speaker",
        "3 sentences of train sound, byte by byte, like another of it",
        "1 sentences of test1 sound, byte by byte, like one of train",
    ):
        assert any(said in note for note in notes), said


@pytest.mark.parametrize("split", ["Train", "Development"])
def test_a_missing_set_is_told_before_anything_is_extracted(split, own, tmp_path):
    plan = own("unlabeled_size=0")
    table = root_of(plan) / "Labels" / "labels_consensus.csv"
    rows = pd.read_csv(table, dtype=str)
    rows["Split_Set"] = rows["Split_Set"].replace(split, "Test2")
    rows.to_csv(table, index=False)
    with pytest.raises(DataError, match=f"has no {split.lower()} set"):
        prepare_data(plan.data, progress=False)
    assert not list((tmp_path / "stores").glob("synthetic-*/index.jsonl"))


def test_the_store_keeps_every_files_digest(own):
    data = prepare_data(own("unlabeled_size=2").data, progress=False)
    digests = FeatureStore.open(data.store.folder).entries["digest"]
    assert digests.str.fullmatch("[0-9a-f]{32}").all()
    assert digests.nunique() == len(digests)


def test_the_training_set_can_stand_in_the_pools_place(own):
    """`data.unlabeled_from=train`: the same files, no labels, another run, and the pool is not opened."""
    plan = own("unlabeled_size=8", "data.unlabeled_from=train", "data.unlabeled_dir=/nowhere")
    data = prepare_data(plan.data, progress=False)
    assert len(data.pool) == 8
    assert set(data.pool.table["utterance_id"]) < set(data.corpus.rows("train")["utterance_id"])
    assert data_fingerprint(data.parts) != data_fingerprint(prepare_data(own().data, progress=False).parts)
    sets = make_datamodule(plan, data, make("task", fitted_task(plan.task, data.corpus), Task)).sets
    assert len(sets["U"]) == 8
    assert sets["U"].labels.isnan().all()
    assert not sets["L"].labels.isnan().any()
    with pytest.raises(DataError, match="set unlabeled_size to at most 12"):
        prepare_data(own("unlabeled_size=13", "data.unlabeled_from=train").data, progress=False)
    with pytest.raises(ConfigurationError, match="take one of pool, train"):
        own("data.unlabeled_from=elsewhere")


def test_what_was_prepared_before_is_found_and_nothing_is_made(own, tmp_path):
    plan = own("unlabeled_size=4").data
    assert prepared_before(plan) is None
    assert not (tmp_path / "stores").exists() or not list((tmp_path / "stores").glob("*/index.jsonl"))
    made = prepare_data(plan, progress=False)
    found = prepared_before(plan)
    assert found is not None
    assert data_fingerprint(found.parts) == data_fingerprint(made.parts)
    # A file that cannot be used is tried again by every preparation, and is nothing left to prepare.
    (audio(root_of(own()) / "Audios")[0]).write_bytes(b"no audio")
    tolerant = own("unlabeled_size=4", "data.max_bad_files=0.5").data
    assert prepared_before(tolerant) is None
    prepare_data(tolerant, progress=False)
    assert prepared_before(tolerant) is not None


def test_what_taught_the_encoder_is_told_and_remembered(tiny, planned):
    """Sentences and speakers of the test set that the encoder was trained on: a leak that no split shows."""
    encoder = train(planned(*tiny, "model=deep_emocluster", "rounds=1", "unlabeled_size=0"))
    clean = train(planned(*tiny, "model=frozen_classifier", "task=categories", "search.trials=0", "rounds=1", *FREE))
    heard = "sentences of test1 trained the encoder"
    assert not any("trained the encoder" in note for note in clean.metrics.corpus["notes"])
    known = encoder.training_set
    test = clean.predictions("test1")["utterance_id"].iloc[0]
    everything = prepare_data(planned(*tiny, "unlabeled_size=0").data, progress=False)
    digest = everything.store.rows([test])["digest"].iloc[0]
    known.loc[0, "digest"] = digest
    encoder.write_training_set(known)
    options = ["model=frozen_classifier", "task=categories", "search.trials=0", "rounds=1", *FREE[:1]]
    run = train(planned(*tiny, *options, f"pretrained.checkpoint={encoder.path}"))
    assert any(note.startswith("1 of ") and heard in note for note in run.metrics.corpus["notes"])
    taught = run.training_set
    assert set(taught["set"]) == {"L", "encoder"}
    assert digest in set(taught.loc[taught["set"] == "encoder", "digest"])
