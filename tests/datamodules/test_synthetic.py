"""The built-in corpus: the same bytes always, made once, and something to learn in it."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from datamodules.corpora import synthetic
from datamodules.corpus import Corpus
from datamodules.errors import DataError
from datamodules.labels import ATTRIBUTES
from datamodules.synthetic import generator
from datamodules.unlabeled import first, in_order
from experiments import CONF

SMALL = {
    "train": 12,
    "development": 4,
    "test1": 5,
    "test2": 3,
    "test3": 2,
    "unlabeled": 6,
    "max_seconds": 2.5,
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return synthetic.read(tmp_path_factory.mktemp("synthetic") / "small", **SMALL)


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_it_is_a_corpus_like_the_others(small: Corpus) -> None:
    assert (small.name, small.version, small.label_kind) == ("synthetic", "1", "synthetic ratings")
    counts = {split: len(small.rows(split)) for split in small.splits()}
    assert counts == {"train": 12, "development": 4, "test1": 5, "test2": 3, "test3": 2}
    assert small.problems == ()
    rated = small.table[small.table["split"] != "test3"]
    assert rated[list(ATTRIBUTES)].to_numpy().min() >= 1
    assert rated[list(ATTRIBUTES)].to_numpy().max() <= 7
    assert small.rows("test3")[list(ATTRIBUTES)].isna().all(axis=None)
    assert len(list((small.root / "Unlabeled").glob("*.wav"))) == 6


def test_audio_is_what_it_says(small: Corpus) -> None:
    for path in small.table["path"]:
        info = soundfile.info(small.root / path)
        assert (info.samplerate, info.channels, info.subtype) == (16_000, 1, "PCM_16")
        assert 2.0 <= info.duration <= 2.5 + 0.01
        audio, _ = soundfile.read(small.root / path)
        assert np.isfinite(audio).all()
        assert 0.1 < np.abs(audio).max() < 1


def test_splits_and_pool_share_no_speaker_and_no_name(small: Corpus) -> None:
    lines = (small.root / "Speaker_ids.txt").read_text().splitlines()
    speaker = dict(line.split("; ") for line in lines)
    sets = [{speaker[name] for name in small.rows(split)["utterance_id"]} for split in small.splits()]
    assert sum(map(len, sets)) == len(set.union(*sets))
    pool = {path.name for path in (small.root / "Unlabeled").iterdir()}
    assert not pool & set(small.table["utterance_id"])
    assert {name.split("_")[1] for name in pool}.isdisjoint(name.split("_")[1] for name in small.table["utterance_id"])


def test_the_same_seed_gives_the_same_bytes(small: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "THREADS", 1)
    again = synthetic.read(tmp_path / "again", **SMALL)
    assert contents(again.root) == contents(small.root)
    other = synthetic.read(tmp_path / "other", **SMALL, seed=1)
    name = small.table["path"][0]
    assert (other.root / name).read_bytes() != (small.root / name).read_bytes()


def test_a_larger_split_begins_with_the_smaller(small: Corpus, tmp_path: Path) -> None:
    larger = synthetic.read(tmp_path / "larger", **(SMALL | {"train": 15}))
    for attribute in ATTRIBUTES:
        assert larger.rows("train")[attribute].tolist()[:12] == small.rows("train")[attribute].tolist()
    for split in ("train", "test1"):
        for before, after in zip(small.rows(split)["path"], larger.rows(split)["path"], strict=False):
            assert (small.root / before).read_bytes() == (larger.root / after).read_bytes()


def test_it_is_made_once(small: Corpus) -> None:
    before = {path: path.stat().st_mtime_ns for path in small.root.rglob("*")}
    again = synthetic.read(small.root, **SMALL)
    pd.testing.assert_frame_equal(again.table, small.table)
    assert again.label_digest == small.label_digest
    assert {path: path.stat().st_mtime_ns for path in small.root.rglob("*")} == before


def test_other_arguments_and_other_folders_are_refused(small: Corpus, tmp_path: Path) -> None:
    remedy = r"choose another data\.root or delete the folder"
    with pytest.raises(DataError, match=f"train 12 instead of 13.*{remedy}"):
        synthetic.read(small.root, **(SMALL | {"train": 13}))
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("mine")
    with pytest.raises(DataError, match=f"is no synthetic corpus.*{remedy}"):
        synthetic.read(tmp_path / "precious", **SMALL)
    assert (tmp_path / "precious" / "thesis.txt").read_text() == "mine"


@pytest.mark.faults
def test_an_interrupted_generation_leaves_nothing(
    small: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "corpus"
    (tmp_path / "corpus.partial").mkdir()
    (tmp_path / "corpus.partial" / "of a killed process").touch()
    real = generator._write_audio

    def interrupted(folder: Path, utterance: generator.Utterance) -> None:
        if utterance.split == "test1":
            raise KeyboardInterrupt
        real(folder, utterance)

    monkeypatch.setattr(generator, "_write_audio", interrupted)
    with pytest.raises(KeyboardInterrupt):
        synthetic.read(root, **SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["corpus.lock"]
    monkeypatch.setattr(generator, "_write_audio", real)
    assert contents(synthetic.read(root, **SMALL).root) == contents(small.root)


@pytest.mark.faults
def test_two_processes_at_once_make_one_corpus(small: Corpus, tmp_path: Path) -> None:
    root = tmp_path / "corpus"
    program = (
        "from datamodules.corpora import synthetic\n"
        f"corpus = synthetic.read({str(root)!r}, **{SMALL!r})\n"
        "print(len(corpus), (corpus.root / synthetic.RECIPE).stat().st_ino)"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert answers[0] == answers[1]
    assert contents(root) == contents(small.root)


def statistics(corpus: Corpus, path: str) -> np.ndarray:
    """A log mel spectrogram in 96 numbers: levels and movement in 32 bands, level blind."""
    audio, rate = soundfile.read(corpus.root / path)
    mel = librosa.feature.melspectrogram(y=audio / np.abs(audio).max(), sr=rate, n_fft=512, hop_length=256)
    bands = np.log(mel + 1e-6).reshape(32, 4, -1).mean(axis=1)
    return np.concatenate([bands.mean(1), bands.std(1), np.abs(np.diff(bands)).mean(1)])


def ccc(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * np.cov(a, b, ddof=0)[0, 1] / (a.var() + b.var() + (a.mean() - b.mean()) ** 2))


def test_emotion_can_be_learned_and_not_too_well(tmp_path: Path) -> None:
    corpus = synthetic.read(tmp_path / "c", train=400, development=0, test1=150, unlabeled=0)
    train, test = corpus.rows("train"), corpus.rows("test1")
    seen, unseen = (np.stack([statistics(corpus, path) for path in rows["path"]]) for rows in (train, test))
    model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(0, 4, 9)))
    found = {a: ccc(model.fit(seen, train[a]).predict(unseen), test[a].to_numpy()) for a in ATTRIBUTES}
    assert 0.7 < found["arousal"] < 0.95
    assert 0.45 < found["dominance"] < 0.9
    assert 0.05 < found["valence"] < 0.6


@pytest.mark.parametrize("name", ["synthetic", "msp_podcast", "emodb"])
def test_the_configuration_of_a_corpus(name: str, tmp_path: Path) -> None:
    with initialize_config_dir(str(CONF), version_base=None):
        cfg = compose("data/" + name, overrides=[f"+store_root={tmp_path}"])
    data = cfg.data
    assert set(data) >= {
        "name",
        "root",
        "unlabeled_dir",
        "default_unlabeled_size",
        "max_bad_files",
        "residency",
        "corpus",
        "pool",
        "chunks",
    }
    assert data.name == name
    assert list(data.chunks) == ["window_seconds", "max_seconds", "rounding"]
    assert data.pool.max_seconds == data.chunks.max_seconds


def test_corpus_and_pool_come_from_the_configuration(tmp_path: Path) -> None:
    sizes = [f"data.corpus.{split}={SMALL[split]}" for split in ("train", "development", "test1", "unlabeled")]
    with initialize_config_dir(str(CONF), version_base=None):
        cfg = compose("data/synthetic", overrides=[f"+store_root={tmp_path}", *sizes])
    corpus = instantiate(cfg.data.corpus, _convert_="all")
    pool = instantiate(cfg.data.pool, scan_cache=tmp_path / "scan.parquet", _convert_="all")
    assert corpus.root == tmp_path / "synthetic-12-4-5-6-0"
    assert json.loads((corpus.root / "synthetic.json").read_text())["train"] == 12
    assert len(first(in_order(pool, corpus), cfg.data.default_unlabeled_size)) == 6


@pytest.mark.faults
def test_a_full_disk_is_told_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left") as caught:
        generator.generate(tmp_path, {"train": 1}, 1.0, 1.5, seed=0)
    assert caught.value.filename.endswith("Audios/MSP-PODCAST_0001_0001.wav")
