"""EmoDB: labels from names, proxy attributes, splits by speaker."""

from pathlib import Path
from types import ModuleType

import pytest

from datamodules.corpora import emodb
from datamodules.corpus import COLUMNS
from datamodules.errors import DataError
from datamodules.labels import ATTRIBUTES
from datamodules.reading.proxy_attributes import PLEASURE_AROUSAL_DOMINANCE, proxy_attributes

NAMES = (
    "03a01Fa.wav",
    "03a01Nc.wav",
    "08b02Ta.wav",
    "12a05Wb.wav",
    "15b10La.wav",
    "16a07Ea.wav",
    "16a07A.wav",
)


@pytest.fixture
def root(tmp_path: Path, tiny: ModuleType) -> Path:
    for name in NAMES:
        tiny.write_wav(tmp_path / "emodb" / "wav" / name)
    return tmp_path / "emodb"


def test_labels_come_from_the_names(root: Path) -> None:
    corpus = emodb.read(root, development_speakers=["12"], test_speakers=["15", "16"])
    assert tuple(corpus.table.columns) == COLUMNS
    assert (corpus.name, corpus.version, corpus.label_kind) == (
        "emodb",
        "7 classes, 7 files",
        "proxy attributes",
    )
    rows = corpus.table.set_index("utterance_id")
    assert rows["emotion"].to_dict() == {
        "03a01Fa.wav": "happiness",
        "03a01Nc.wav": "neutral",
        "08b02Ta.wav": "sadness",
        "12a05Wb.wav": "anger",
        "15b10La.wav": "boredom",
        "16a07A.wav": "fear",
        "16a07Ea.wav": "disgust",
    }
    assert rows.loc["12a05Wb.wav", "speaker"] == "12"
    assert rows.loc["08b02Ta.wav", "gender"] == "Female"
    assert corpus.rows("train")["speaker"].tolist() == ["03", "03", "08"]
    assert corpus.rows("development")["speaker"].tolist() == ["12"]
    assert set(corpus.rows("test")["speaker"]) == {"15", "16"}
    assert all((corpus.root / path).is_file() for path in corpus.table["path"])


def test_the_root_may_be_the_wav_folder_and_speakers_may_be_numbers(root: Path) -> None:
    by_parent = emodb.read(root, development_speakers=["12", "03"], test_speakers=["16"])
    by_folder = emodb.read(root / "wav", development_speakers=[12, 3], test_speakers=[16])
    assert by_parent.table.equals(by_folder.table)
    assert by_parent.label_digest == by_folder.label_digest


def test_the_label_digest_follows_the_split(root: Path) -> None:
    assert (
        emodb.read(root, development_speakers=["12"], test_speakers=["16"]).label_digest
        != emodb.read(root, development_speakers=["12"], test_speakers=["15"]).label_digest
    )


def test_other_names_are_left_out_and_told(root: Path, tiny: ModuleType) -> None:
    tiny.write_wav(root / "wav" / "recording.wav")
    (root / "wav" / "erklaerung.txt").write_text("not audio")
    corpus = emodb.read(root, development_speakers=["12"], test_speakers=["16"])
    assert len(corpus) == 7
    assert [problem.file for problem in corpus.problems] == ["recording.wav"]
    assert "rename it" in corpus.problems[0].remedy


@pytest.mark.parametrize(
    ("development", "test", "fault", "remedy"),
    [
        (
            ["99"],
            ["16"],
            "has no speaker 99",
            "choose data.corpus.development_speakers among 03, 08, 12, 15, 16",
        ),
        (["12"], ["7"], "has no speaker 07", "choose data.corpus.test_speakers among"),
        (["12", "16"], ["16"], "speaker 16 is in", "leave each speaker in one"),
        (["12", "03", "08"], ["15", "16"], "nobody is left to train on", "shorten"),
    ],
)
def test_speakers_that_cannot_be(root: Path, development: list[str], test: list[str], fault: str, remedy: str) -> None:
    with pytest.raises(DataError) as raised:
        emodb.read(root, development_speakers=development, test_speakers=test)
    assert fault in str(raised.value)
    assert remedy in str(raised.value)


def test_a_folder_that_is_not_emodb(tmp_path: Path, tiny: ModuleType) -> None:
    tiny.write_wav(tmp_path / "a.wav")
    with pytest.raises(DataError, match=r"no EmoDB file.*03a01Fa\.wav.*data\.root"):
        emodb.read(tmp_path, development_speakers=["12"], test_speakers=["16"])


def test_proxy_attributes_are_on_the_scale_of_the_ratings() -> None:
    for emotion in PLEASURE_AROUSAL_DOMINANCE:
        values = proxy_attributes(emotion)
        assert tuple(values) == ATTRIBUTES
        assert all(1 <= value <= 7 for value in values.values())
    assert proxy_attributes("neutral") == {"arousal": 4, "dominance": 4, "valence": 4}
    assert proxy_attributes("anger") == pytest.approx({"arousal": 5.77, "dominance": 4.75, "valence": 2.47})
    assert proxy_attributes("calm") == pytest.approx({"arousal": 2.62, "dominance": 4.6, "valence": 6.04})
    with pytest.raises(KeyError):
        proxy_attributes("joy")


def test_folds_are_balanced_and_test_nobody_twice(real_data: Path) -> None:
    tested: set[str] = set()
    for fold in (1, 2, 3):
        corpus = emodb.read(real_data / "emodb", fold=fold)
        speakers = {split: set(corpus.rows(split)["speaker"]) for split in ("train", "development", "test")}
        assert [len(members) for members in speakers.values()] == [6, 2, 2]
        assert not speakers["test"] & tested
        tested |= speakers["test"]
        for split in ("development", "test"):
            assert set(corpus.rows(split)["gender"]) == {"Female", "Male"}
    with pytest.raises(DataError, match=r"data\.corpus\.fold=4.*take 1, 2, 3"):
        emodb.read(real_data / "emodb", fold=4)


def test_the_real_corpus(real_data: Path) -> None:
    corpus = emodb.read(real_data / "emodb", development_speakers=["12", "14"], test_speakers=["15", "16"])
    assert corpus.version == "4 classes, 339 files"
    assert corpus.problems == ()
    counts = corpus.table["emotion"].value_counts().to_dict()
    assert counts == {"anger": 127, "neutral": 79, "happiness": 71, "sadness": 62}
    assert sorted(corpus.rows("train")["speaker"].unique()) == ["03", "08", "09", "10", "11", "13"]
    assert [len(corpus.rows(split)) for split in ("train", "development", "test")] == [203, 63, 73]
