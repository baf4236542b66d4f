"""Planted faults, told by the program: what the exit code is, which file it was, and what to do about it."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from hydra import compose, initialize_config_dir

from experiments import prepare
from experiments.console.user_errors import user_errors

pytestmark = pytest.mark.faults
ROOT = Path(__file__).resolve().parents[2]
SPLITS = {"Train": 80, "Development": 20, "Test1": 20}
RATE = 16_000
BAD = "MSP-PODCAST_0001_0003.wav"  # the file the faults are planted in
LABELS = Path("Labels") / "labels_consensus.csv"


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    path = ROOT / "tests" / "datamodules" / "tiny_corpus.py"
    spec = importlib.util.spec_from_file_location("tiny_corpus", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def whole_corpus(tmp_path_factory: pytest.TempPathFactory, tiny: ModuleType) -> Path:
    """120 files, so that one bad file is less than the 1 % that may be."""
    return tiny.write_corpus(tmp_path_factory.mktemp("whole"), SPLITS, seconds=1.2)


@pytest.fixture
def corpus(tmp_path: Path, whole_corpus: Path) -> Path:
    """A copy to plant a fault in."""
    shutil.copytree(whole_corpus, tmp_path / "corpus")
    return tmp_path / "corpus"


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """On a busy machine two threads wait for each other longer than these short files take."""
    torch.set_num_threads(1)


def noise(seconds: float, rate: int = RATE, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(5).normal(0, 0.1, (round(seconds * rate), channels))


def audio(samples: np.ndarray, rate: int = RATE, subtype: str = "PCM_16") -> Callable[[Path], None]:
    return lambda root: soundfile.write(root / "Audios" / BAD, samples, rate, subtype=subtype)


def content(data: bytes) -> Callable[[Path], None]:
    return lambda root: (root / "Audios" / BAD).write_bytes(data) and None


def cut_off(root: Path) -> None:
    path = root / "Audios" / BAD
    path.write_bytes(path.read_bytes()[:20_000])


def remove(root: Path) -> None:
    (root / "Audios" / BAD).unlink()


def folder_instead(root: Path) -> None:
    remove(root)
    (root / "Audios" / BAD).mkdir()


def unlisted(root: Path) -> None:
    shutil.copy(root / "Audios" / BAD, root / "Audios" / "MSP-PODCAST_0777_0001.wav")


def not_a_number(root: Path) -> None:
    samples = noise(1.2)
    samples[100] = np.nan
    soundfile.write(root / "Audios" / BAD, samples, RATE, subtype="FLOAT")


def cell(column: str, value: object) -> Callable[[Path], None]:
    """Another value in the row of the bad file."""

    def plant(root: Path) -> None:
        rows = pd.read_csv(root / LABELS, dtype=object)
        rows.loc[rows["FileName"] == BAD, column] = value
        rows.to_csv(root / LABELS, index=False)

    return plant


def listed_again(root: Path) -> None:
    rows = pd.read_csv(root / LABELS)
    again = rows[rows["FileName"] == BAD].assign(EmoAct=2.5)
    pd.concat([rows, again]).to_csv(root / LABELS, index=False)


def without_column(root: Path) -> None:
    pd.read_csv(root / LABELS).drop(columns="EmoAct").to_csv(root / LABELS, index=False)


def header_only(root: Path) -> None:
    pd.read_csv(root / LABELS).iloc[:0].to_csv(root / LABELS, index=False)


def five_bad_files(root: Path) -> None:
    for number in range(5):
        (root / "Audios" / f"MSP-PODCAST_0001_{number:04d}.wav").write_bytes(b"")


def pool(*names: str) -> Callable[[Path], None]:
    """A pool beside the corpus: 3 files of its own, and copies of labelled ones."""

    def plant(root: Path) -> None:
        folder = root.parent / "pool"
        folder.mkdir()
        for number in range(3):
            soundfile.write(folder / f"own_{number}.wav", noise(1.2) / (number + 2), RATE)
        for name in names:
            shutil.copy(root / "Audios" / name, folder / name)

    return plant


def broken_pool(root: Path) -> None:
    pool()(root)
    (root.parent / "pool" / "own_1.flac").write_bytes(b"fLaC and then nothing")


@dataclass(frozen=True)
class Fault:
    plant: Callable[[Path], None]
    code: int
    told: list[str]
    """Parts of what the program prints: the file, the fault, the remedy."""
    left: int = 120
    """Sentences that remain, where the program goes on."""
    overrides: list[str] = field(default_factory=list)


POOL = ["data.unlabeled_dir={root}/../pool", "unlabeled_size=3"]
ONE_OUT = "left out: 1, listed in"
FAULTS = {
    "missing audio file": Fault(
        remove, 0, [ONE_OUT, BAD, "is listed but is not a file below Audios/", "put it below Audios/"], 119
    ),
    "unlisted file": Fault(
        unlisted,
        0,
        ["1 audio files are not listed and not used, the first: Audios/MSP-PODCAST_0777_0001.wav"],
    ),
    "broken header": Fault(
        content(b"RIFX" + bytes(200)), 0, [ONE_OUT, BAD, "cannot be read as audio", "convert it to wav"], 119
    ),
    "text in a wav": Fault(
        content(b"404 not found"), 0, [ONE_OUT, BAD, "cannot be read as audio", "or remove it"], 119
    ),
    "empty file": Fault(content(b""), 0, [ONE_OUT, BAD, "cannot be read as audio", "or remove it"], 119),
    "header without samples": Fault(
        audio(noise(0)), 0, [ONE_OUT, BAD, "no samples", "remove it or record it again"], 119
    ),
    "digital silence": Fault(audio(np.zeros(20_000)), 0, ["1 digital silence"]),
    "not a number": Fault(
        not_a_number, 0, [ONE_OUT, BAD, "NaN or infinite samples", "export it again from its source"], 119
    ),
    "stereo": Fault(audio(noise(1.2, channels=2)), 0, ["1 stereo"]),
    "44.1 kHz": Fault(audio(noise(1.2, 44_100), 44_100), 0, ["1 resampled from 44100 Hz"]),
    "8 kHz": Fault(audio(noise(1.2, 8_000), 8_000), 0, ["1 resampled from 8000 Hz"]),
    "0.3 s": Fault(audio(noise(0.3)), 0, ["1 shorter than 1 s"]),
    "0.01 s": Fault(audio(noise(0.01)), 0, [ONE_OUT, BAD, "only 160 samples", "remove it"], 119),
    "40 s": Fault(audio(noise(40)), 0, ["1 longer than 11 s"]),
    "cut off": Fault(
        cut_off,
        0,
        [ONE_OUT, BAD, "cut off: 9978 samples where its header promises 19200", "copy it again"],
        119,
    ),
    "a folder named like a wav": Fault(folder_instead, 0, [ONE_OUT, BAD, "is not a file below Audios/"], 119),
    "listed twice": Fault(
        listed_again, 0, [ONE_OUT, BAD, "more than once with different values", "keep one of its rows"], 119
    ),
    "unknown split": Fault(
        cell("Split_Set", "Tset"),
        0,
        [ONE_OUT, BAD, "its Split_Set is `Tset`", "write Train, Development"],
        119,
    ),
    "attribute out of range": Fault(
        cell("EmoAct", 9), 0, [ONE_OUT, BAD, "its arousal is `9`, not a number from 1 to 7", "mend the"], 119
    ),
    "no rating": Fault(
        cell("EmoVal", ""), 0, [ONE_OUT, BAD, "in train without a rating of valence", "mend the label"], 119
    ),
    "path that leaves the corpus": Fault(
        cell("FileName", f"../Audios/{BAD}"),
        0,
        [ONE_OUT, f"../Audios/{BAD}", "its path leaves the corpus folder", "write a plain file name"],
        119,
    ),
    "too many bad files": Fault(
        five_bad_files,
        2,
        [
            "5 of 120 files of msp_podcast cannot be used, more than data.max_bad_files=0.01 allows",
            "allows: 5 times: MSP-PODCAST_0001_0000.wav: cannot be read as audio",
            "or raise data.max_bad_files",
        ],
    ),
    "too many bad files, allowed": Fault(
        five_bad_files, 0, ["left out: 5, listed in"], 115, ["data.max_bad_files=0.05"]
    ),
    "missing column": Fault(without_column, 2, ["labels_consensus.csv: no column EmoAct", "set data.labels"]),
    "empty label table": Fault(header_only, 2, ["labels_consensus.csv: the label table has no row", "fetch it again"]),
    "wrong folder": Fault(
        lambda root: None,
        2,
        ["no label table (looked for", "set data.root"],
        overrides=["data.root={root}/.."],
    ),
    "no folder": Fault(shutil.rmtree, 2, ["corpus: there is no such folder", "set data.root to one that exists"]),
    "no data.root": Fault(
        lambda root: None,
        2,
        ["data.root is not set: give the folder of the corpus"],
        overrides=["data.root=???"],
    ),
    "the audio folder itself": Fault(
        lambda root: None, 2, ["set data.root to its parent"], overrides=["data.root={root}/Audios"]
    ),
    "pool that overlaps the labelled set": Fault(
        pool(BAD), 0, ["1 files of the pool are also labelled and are left out of it"], overrides=POOL
    ),
    "pool with too little besides": Fault(
        pool(BAD),
        2,
        [
            "unlabeled_size=4",
            "the pool has 3 utterances besides those that are also labelled",
            "set unlabeled_size to at most 3",
        ],
        overrides=[*POOL, "unlabeled_size=4"],
    ),
    "pool with a broken file": Fault(
        broken_pool,
        0,
        [
            "1 files of the pool cannot be used",
            "own_1.flac",
            "cannot be opened as audio",
            "mend it or remove it from the pool",
        ],
        overrides=[*POOL, "data.max_bad_files=0.5"],
    ),
    "no pool folder": Fault(
        lambda root: None, 2, ["pool: there is no such folder; set data.unlabeled_dir"], overrides=POOL
    ),
    "pool without audio": Fault(
        lambda root: (root.parent / "pool").mkdir(),
        2,
        ["no audio file", "set data.unlabeled_dir"],
        overrides=POOL,
    ),
    "unlabelled sentences without a pool": Fault(
        lambda root: None,
        2,
        ["unlabeled_size=5 needs a pool: set data.unlabeled_dir"],
        overrides=["unlabeled_size=5"],
    ),
}


def options(root: Path, overrides: list[str]) -> list[str]:
    """What is typed after the program's name; a later option replaces an earlier one of the same key."""
    typed = [
        "data=msp_podcast",
        f"data.root={root}",
        f"store_root={root.parent}/stores",
        *(text.format(root=root) for text in overrides),
    ]
    return list({text.split("=")[0]: text for text in typed}.values())


def total(printed: str) -> int:
    """The sentences of the first table printed: the labelled corpus."""
    first = printed.split("└")[0]
    cells = [line.split("│")[1:3] for line in first.splitlines() if line.startswith("│")]
    return sum(int(count.replace(",", "")) for _, count in cells)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told(corpus: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    fault = FAULTS[name]
    fault.plant(corpus)
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        cfg = compose("config", overrides=options(corpus, fault.overrides))
    code: object = 0
    try:
        with user_errors():
            prepare.run(cfg)
    except SystemExit as ended:
        code = ended.code
    captured = capsys.readouterr()
    printed = captured.out + captured.err

    assert code == fault.code, printed
    for part in fault.told:
        assert part in printed
    assert "Traceback" not in printed
    if code == 0:
        assert total(captured.out) == fault.left
    else:
        assert len([line for line in captured.err.splitlines() if line.startswith("error: ")]) == 1


def test_an_unreadable_folder_is_told(
    corpus: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def refusing(path: Path) -> object:  # root may list everything, so chmod would prove nothing
        if Path(path) == corpus / "Audios":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        cfg = compose("config", overrides=options(corpus, []))
    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(SystemExit, match="2"), user_errors():
        prepare.run(cfg)
    assert f"{corpus}/Audios: cannot be listed (Permission denied); give this user" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["cut off", "no data.root"])
def test_a_fault_is_told_on_the_command_line(corpus: Path, name: str) -> None:
    fault = FAULTS[name]
    fault.plant(corpus)
    ended = subprocess.run(
        [sys.executable, "-m", "experiments.prepare", *options(corpus, fault.overrides)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    printed = ended.stdout + ended.stderr
    assert ended.returncode == fault.code, printed
    for part in fault.told:
        assert part in printed
    assert "Traceback" not in printed
