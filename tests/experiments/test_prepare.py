"""The prepare program, and what it hands to a run."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from omegaconf import DictConfig
from references.noise_corpus import noise_corpus

from datamodules.errors import ConfigurationError
from experiments import prepare
from experiments.config.composing import composed
from experiments.config.from_hydra import make_plan
from experiments.config.plan import DataPlan
from experiments.training.data import prepare_data, read_corpora

ROOT = Path(__file__).resolve().parents[2]
SMALL = [
    "data=synthetic",
    "data.corpus.train=6",
    "data.corpus.development=3",
    "data.corpus.test1=3",
    "data.corpus.unlabeled=5",
]


def config(tmp_path: Path, *overrides: str) -> DictConfig:
    return composed(*SMALL, f"store_root={tmp_path / 'stores'}", f"run_root={tmp_path / 'runs'}", *overrides)


def plan(tmp_path: Path, *overrides: str) -> DataPlan:
    return make_plan(config(tmp_path, *overrides)).data


def test_what_a_run_gets(tmp_path: Path) -> None:
    wanted = plan(tmp_path, "unlabeled_size=4", "features.power=1")
    assert wanted.features.power == 1.0
    assert wanted.chunks.num_chunks == 4
    data = prepare_data(wanted, progress=False)
    assert len(data.corpus) == 12
    assert data.store.settings["power"] == 1.0
    assert data.pool is not None
    assert data.pool_store is not None
    assert len(data.pool) == 4
    data.store.locate(data.corpus.table["utterance_id"])
    data.pool_store.locate(data.pool.table["utterance_id"])


def test_a_few_broken_files_in_a_large_pool_do_not_refuse_a_small_subset(tmp_path: Path) -> None:
    pool = tmp_path / "pool"
    pool.mkdir()
    read_corpora(plan(tmp_path))  # makes the corpus
    one = next((tmp_path / "stores").glob("synthetic-*/Unlabeled/*.wav"))
    for number in range(120):
        shutil.copy(one, pool / f"file_{number}.wav")
    (pool / "broken.wav").write_bytes(b"RIFF")
    _, candidates = read_corpora(plan(tmp_path, f"data.unlabeled_dir={pool}", "unlabeled_size=5"))
    assert candidates is not None
    assert (len(candidates), candidates.problems) == (120, ())
    assert "broken.wav" in " ".join(candidates.notes)


def test_labels_alone_need_no_pool(tmp_path: Path) -> None:
    data = prepare_data(plan(tmp_path, "unlabeled_size=0", "data.unlabeled_dir=null"), progress=False)
    assert data.pool is data.pool_store is None


def test_a_pool_that_is_not_given_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"unlabeled_size=3 needs a pool: set data\.unlabeled_dir"):
        read_corpora(plan(tmp_path, "unlabeled_size=3", "data.unlabeled_dir=null"))


@pytest.mark.parametrize("option", ["+features.colour=1", "+data.chunks.overlap=2"])
def test_an_unknown_option_is_named(tmp_path: Path, option: str) -> None:
    name = option.strip("+").split("=")[0]
    with pytest.raises(ConfigurationError, match=rf"^{name}: \w+ has no such option; there are "):
        prepare_data(plan(tmp_path, option), progress=False)


def test_the_table_says_what_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cfg = config(tmp_path, "data.max_bad_files=0.2")
    corpus, _ = read_corpora(make_plan(cfg).data)
    (corpus.root / corpus.table["path"][0]).write_bytes(b"no audio")
    prepare.run(cfg)
    shown = capsys.readouterr().out
    for said in (
        "synthetic",
        "train",
        "development",
        "test1",
        "unlabeled",
        "features: ",
        "left out: 1, listed in",
    ):
        assert said in shown
    assert f"{corpus.table['utterance_id'][0]}: cannot be read as audio" in shown
    bad = Path(shown.split("listed in ")[1].split("\n")[0])
    assert list(pd.read_csv(bad)["file"]) == [corpus.table["utterance_id"][0]]


def program(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "experiments.prepare", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )


@pytest.mark.faults
def test_what_a_user_can_mend_ends_with_2_and_a_sentence(tmp_path: Path) -> None:
    process = program("data=emodb", f"data.root={tmp_path / 'nowhere'}", f"store_root={tmp_path}")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert errors.startswith(f"error: {tmp_path / 'nowhere'}: ")
    assert "Traceback" not in errors


@pytest.mark.faults
def test_ctrl_c_ends_with_130_and_a_sentence(tmp_path: Path) -> None:
    noise_corpus(tmp_path / "pool", 2000, seconds=0.3)
    process = program(
        *SMALL,
        f"store_root={tmp_path / 'stores'}",
        f"data.unlabeled_dir={tmp_path / 'pool'}",
        "unlabeled_size=2000",
    )
    deadline = time.monotonic() + 120
    while not any(index.stat().st_size for index in tmp_path.glob("stores/folder-*/index.jsonl")):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)  # returns when the last worker has closed its stderr
    assert process.returncode == 130
    assert "interrupted; the same command goes on where this one stopped." in errors
    assert "Traceback" not in errors


def test_a_corpus_with_named_emotions_is_held_against_what_was_published(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a01", "sa01", "su02", "n01", "n02", "n03", "n04", "n05"):
        path = tmp_path / "SAVEE" / "AudioData" / "AudioData" / "DC" / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.1 * np.sin(np.arange(44100)), 44100)
    folders = [f"{name}={tmp_path / name}" for name in ("store_root", "run_root")]
    prepare.run(composed("data=savee", f"data.root={tmp_path / 'SAVEE'}", *folders))
    told = capsys.readouterr().out
    assert "savee 4 classes, 8 files (proxy attributes)" in told
    assert re.search(r"neutral\s+│\s+5 \(differs\)\s+│\s+120", told)
    assert re.search(r"disgust\s+│\s+0 \(differs\)\s+│\s+60", told)
    assert re.search(r"DC\s+│", told)
    assert "8 resampled from 44100 Hz" in told


def test_without_its_folder_a_corpus_says_where_it_is_had(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"data=savee data.root=…\. It is had at http://kahlan.*on request"):
        prepare.run(composed("data=savee"))


@pytest.mark.faults
def test_what_was_damaged_is_found_and_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the program as a user starts it."""
    folders = {"data.root": "c", "store_root": "s", "run_root": "r"}
    options = [*SMALL, *(f"{name}={tmp_path / place}" for name, place in folders.items()), "unlabeled_size=4"]
    prepare.run(composed(*options))
    frames = next((tmp_path / "s").glob("synthetic-*/frames.f16"))
    before = frames.read_bytes()
    frames.write_bytes(before[:1000] + bytes([before[1000] ^ 16]) + before[1001:])
    program = [sys.executable, "-m", "experiments.prepare", *options, "--verify"]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True)
    told = done.stdout + done.stderr
    assert "features of 16 sentences were compared with their checksums; 1 were damaged" in told
    assert "features of synthetic" in told
    assert "1/1" in told  # it alone is extracted again
    capsys.readouterr()
    prepare.run(composed(*options), verify=True)
    assert "0 were damaged" in capsys.readouterr().out
    assert len(frames.read_bytes()) > len(before)
