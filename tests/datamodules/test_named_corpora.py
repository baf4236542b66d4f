"""SAVEE, RAVDESS, CREMA-D, OMG-Emotion and LibriSpeech, in every layout they are met in, with what is wrong in them."""

import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile

from datamodules.corpora import crema_d, emodb, librispeech, omg_emotion, ravdess, savee
from datamodules.errors import DataError
from datamodules.reading.sources import SOURCES


def sound(path, seconds=0.3):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(round(16000 * seconds)), 16000)


def everything(folder, flat=False, prefix=""):
    """All 480 names of SAVEE; empty files, for readers look at names alone."""
    for speaker in savee.SPEAKERS:
        for letter, count in savee.SENTENCES.items():
            for number in range(1, count + 1):
                name = f"{letter}{number:02}.wav"
                path = folder / f"{speaker}_{name}" if flat else folder / prefix / "AudioData" / speaker / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()


def splits(corpus):
    return dict(zip(corpus.table["utterance_id"], corpus.table["split"], strict=True))


@pytest.mark.parametrize("layout", ["folders", "nested", "flat"])
def test_savee_in_its_layouts(layout, tmp_path):
    everything(tmp_path, flat=layout == "flat", prefix="AudioData" if layout == "nested" else "")
    corpus = savee.read(tmp_path)
    assert len(corpus) == 480
    assert corpus.table["emotion"].value_counts().to_dict() == savee.PUBLISHED == dict(corpus.published)
    assert corpus.version == "7 classes, 480 files"
    assert set(corpus.table["gender"]) == {"Male"}
    assert not corpus.problems
    one = corpus.table.set_index("utterance_id").loc["KL_su15.wav"]
    assert (one["emotion"], one["speaker"]) == ("surprise", "KL")
    assert one["arousal"] == pytest.approx(4 + 3 * 0.67)


def test_savee_twice_in_nested_folders_is_taken_once(tmp_path):
    everything(tmp_path)
    everything(tmp_path, prefix="AudioData")
    assert len(savee.read(tmp_path)) == 480


def test_savees_splits_are_stratified_disjoint_and_each_of_its_own(tmp_path):
    everything(tmp_path)
    found = [splits(savee.read(tmp_path, speaker="DC", split=number)) for number in (1, 2)]
    assert found[0] != found[1]
    corpus = savee.read(tmp_path, speaker="DC", split=1)
    shares = corpus.table.groupby(["emotion", "split"]).size().unstack()
    assert shares.loc["anger"].to_dict() == {"development": 2, "test": 6, "train": 7}
    assert shares.loc["neutral"].to_dict() == {"development": 4, "test": 12, "train": 14}
    assert (shares.drop("neutral") == shares.loc["anger"]).all(axis=None)


def test_a_sentences_place_does_not_depend_on_what_is_missing(tmp_path):
    everything(tmp_path)
    whole = splits(savee.read(tmp_path, split=3))
    shutil.rmtree(tmp_path / "AudioData" / "JE")
    for path in sorted((tmp_path / "AudioData" / "DC").iterdir())[::3]:
        path.unlink()
    part = splits(savee.read(tmp_path, split=3))
    assert len(part) < 480
    assert all(whole[name] == split for name, split in part.items())
    of_one = splits(savee.read(tmp_path, speaker="KL", split=3))
    assert all(whole[name] == split for name, split in of_one.items())


def test_every_speaker_of_savee_is_left_out_once(tmp_path):
    everything(tmp_path)
    for speaker in savee.SPEAKERS:
        table = savee.read(tmp_path, left_out=speaker).table
        assert set(table.loc[table["split"] == "test", "speaker"]) == {speaker}
        assert table.groupby("speaker")["split"].nunique().max() == 1


def test_other_names_in_savee(tmp_path):
    everything(tmp_path)
    (tmp_path / "AudioData" / "DC" / "x01.wav").touch()
    (tmp_path / "AudioData" / "Info.txt").touch()
    corpus = savee.read(tmp_path)
    assert [problem.file for problem in corpus.problems] == ["AudioData/DC/x01.wav"]
    (tmp_path / "AudioData" / "DC" / "sa01.wav").rename(tmp_path / "AudioData" / "DC" / "SA01.WAV")
    assert splits(savee.read(tmp_path)) == splits(corpus)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"speaker": "XX"}, "data.corpus.speaker=XX: SAVEE has DC, JE, JK, KL"),
        ({"split": 11}, "data.corpus.split=11: there are splits 1 to 10"),
        ({"split": True}, "data.corpus.split=True"),
        ({"development": 0.0}, "data.corpus.development=0.0: set a share"),
        ({"left_out": "DC", "speaker": "DC"}, "data.corpus.left_out=DC: leaves one speaker out of all"),
        ({"left_out": "AB"}, "data.corpus.left_out=AB: choose among DC, JE, JK, KL"),
    ],
)
def test_options_of_savee_that_mean_nothing(options, told, tmp_path):
    everything(tmp_path)
    with pytest.raises(DataError, match=told):
        savee.read(tmp_path, **options)


@pytest.mark.parametrize("name", [name for name in SOURCES if name != "msp_podcast"])
def test_a_folder_that_is_not_there_is_told_with_where_to_get_the_corpus(name, tmp_path):
    readers = {"crema_d": crema_d, "emodb": emodb, "librispeech": librispeech, "omg_emotion": omg_emotion}
    reader = readers.get(name) or {"ravdess": ravdess, "savee": savee}[name]
    with pytest.raises(DataError, match=r"there is no such folder; set data.root.*It is had at http"):
        reader.read(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"set data.root|set data.unlabeled_dir|put the corpus"):
        reader.read(tmp_path / "empty")


def ravdess_names(modality="03", channel="01"):
    for actor in ravdess.ACTORS:
        for emotion in ravdess.EMOTIONS:
            for intensity in ("01", "02")[: 1 if emotion == "01" else 2]:
                for statement, repetition in ((s, r) for s in ("01", "02") for r in ("01", "02")):
                    yield actor, f"{modality}-{channel}-{emotion}-{intensity}-{statement}-{repetition}-{actor}.wav"


def test_ravdess_with_a_second_copy_song_and_video(tmp_path):
    for folder in (tmp_path, tmp_path / "audio_speech_actors_01-24"):
        for actor, name in ravdess_names():
            (folder / f"Actor_{actor}").mkdir(parents=True, exist_ok=True)
            (folder / f"Actor_{actor}" / name).touch()
    (tmp_path / "Actor_01" / "03-02-04-01-01-01-01.wav").touch()  # sung
    (tmp_path / "Actor_01" / "01-01-04-01-01-01-01.wav").touch()  # of a video
    (tmp_path / "Actor_01" / "notes.wav").touch()
    corpus = ravdess.read(tmp_path)
    assert len(corpus) == 1440
    assert corpus.table["emotion"].value_counts().to_dict() == dict(corpus.published)
    assert corpus.notes == ("1440 files are there twice and are taken once",)
    assert [problem.file for problem in corpus.problems] == ["Actor_01/notes.wav"]
    assert len(ravdess.read(tmp_path, song=True)) == 1441


def test_ravdess_folds_test_everybody_once_and_mix_men_and_women(tmp_path):
    for actor, name in ravdess_names():
        (tmp_path / f"Actor_{actor}").mkdir(exist_ok=True)
        (tmp_path / f"Actor_{actor}" / name).touch()
    tested = []
    for fold in range(1, 6):
        table = ravdess.read(tmp_path, fold=fold).table
        assert table.groupby("speaker")["split"].nunique().max() == 1
        assert set(table["split"]) == {"train", "development", "test"}
        of_test = table[table["split"] == "test"].drop_duplicates("speaker")
        tested += of_test["speaker"].tolist()
        assert abs((of_test["gender"] == "Male").sum() - (of_test["gender"] == "Female").sum()) <= 1
    assert sorted(tested) == ravdess.ACTORS
    with pytest.raises(DataError, match=r"data.corpus.fold=6: there are folds 1 to 5"):
        ravdess.read(tmp_path, fold=6)


def test_crema_d_with_its_actors_genders(tmp_path):
    for actor in crema_d.ACTORS:
        for emotion in crema_d.EMOTIONS:
            path = tmp_path / "AudioWAV" / f"{actor}_DFA_{emotion}_XX.wav"
            path.parent.mkdir(exist_ok=True)
            path.touch()
    (tmp_path / "AudioWAV" / "1001_DFA_JOY_XX.wav").touch()
    pd.DataFrame({"ActorID": [1001, 1002], "Age": [51, 21], "Sex": ["Male", "Female"]}).to_csv(
        tmp_path / "VideoDemographics.csv", index=False
    )
    corpus = crema_d.read(tmp_path)
    assert len(corpus) == 91 * 6
    assert sum(corpus.published.values()) == 7442
    genders = corpus.table.drop_duplicates("speaker").set_index("speaker")["gender"]
    assert (genders["1001"], genders["1002"], genders["1003"]) == ("Male", "Female", "Unknown")
    assert [problem.file for problem in corpus.problems] == ["AudioWAV/1001_DFA_JOY_XX.wav"]
    folds = [crema_d.read(tmp_path / "AudioWAV", fold=fold).table for fold in range(1, 6)]
    tested = [one for table in folds for one in sorted(set(table.loc[table["split"] == "test", "speaker"]))]
    assert sorted(tested) == crema_d.ACTORS


HEADER = "link,start,end,video,utterance,arousal,valence,EmotionMaxVote"


def omg(folder, train, validation, test, test_name="omg_TestVideos_WithLabels.csv", header=HEADER):
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("omg_TrainVideos.csv", train), ("omg_ValidationVideos.csv", validation), (test_name, test)):
        (folder / name).write_text("\n".join([header, *(f"url,0,1,{row}" for row in rows)]) + "\n")


GOOD = ["v1,utterance_1.mp4,0.5,-0.2,3", "v1,utterance_2.mp4,0.1,0.4,0"]


def test_omg_and_what_is_wrong_with_it(tmp_path):
    train = [
        *GOOD,
        GOOD[0],  # the same row twice
        "v2,utterance_1.mp4,0.2,0.1,4",  # the video is gone
        "v3,utterance_1.mp4,0.2,0.1,4",
        "v3,utterance_1.mp4,0.9,0.1,4",  # and another label
        "v4,utterance_1.mp4,1.7,0.1,4",  # no arousal is that high
    ]
    omg(tmp_path, train, ["v5,utterance_1.mp4,0.3,0.3,5"], ["v1,utterance_1.mp4,0.6,0.6,6"])
    for path in ("train/v1/utterance_1", "train/v1/utterance_2", "train/v3/utterance_1", "train/v4/utterance_1"):
        sound(tmp_path / f"{path}.wav")
    sound(tmp_path / "validation" / "v5" / "utterance_1.flac")
    sound(tmp_path / "test" / "v1" / "utterance_1.wav")  # the same video as in train
    corpus = omg_emotion.read(tmp_path)
    assert corpus.version == "4 of 7 utterances"
    assert "coverage: 4 of 7 listed utterances have sound" in corpus.notes
    assert "1 rows of train are listed twice and are taken once" in corpus.notes
    assert "1 videos are in more than one split" in corpus.notes
    assert {(one.file, one.fault) for one in corpus.problems} == {
        ("v3/utterance_1", "is listed with different labels"),
        ("v4/utterance_1", "its arousal is `1.7`, not 0 to 1"),
    }
    assert corpus.also_listed == ("v2/utterance_1",)
    rows = corpus.table.set_index("path")
    assert rows.loc["train/v1/utterance_1.wav", "split"] == "train"
    assert rows.loc["test/v1/utterance_1.wav", "split"] == "test"
    assert rows.loc["test/v1/utterance_1.wav", "emotion"] == "surprise"
    one = rows.loc["train/v1/utterance_1.wav"]
    assert (one["arousal"], one["valence"]) == pytest.approx((1 + 6 * 0.5, 4 - 3 * 0.2))
    assert one["emotion"] == "happiness"
    assert rows["dominance"].isna().all()
    assert corpus.label_kind == "human ratings"


def test_omg_labels_that_are_no_numbers_are_told_and_empty_ones_are_none(tmp_path):
    labels = [
        "abc,0.1,0",
        "0x1,0.1,1",
        '"0,5",0.1,2',
        "0.2,,",
        "0.3,0.1,9",
        "0.3,0.1,2.5",
        "0.3,0.1,happy",
        "0.50,0.1,0",
    ]
    train = [f"v{number},utterance_1.mp4,{one}" for number, one in enumerate(labels)]
    train.append("v7,utterance_1.mp4,0.5,0.10,0")  # the same numbers once more
    omg(tmp_path, train, ["v20,utterance_1.mp4,0.3,0.3,5"], ["v21,utterance_1.mp4,0.6,0.6,6"])
    for number in (*range(len(labels)), 20, 21):
        sound(tmp_path / f"v{number}" / "utterance_1.wav")
    corpus = omg_emotion.read(tmp_path)
    assert {(one.file.split("/")[0], one.fault) for one in corpus.problems} == {
        ("v0", "its arousal is `abc`, not 0 to 1"),
        ("v1", "its arousal is `0x1`, not 0 to 1"),
        ("v2", "its arousal is `0,5`, not 0 to 1"),
        ("v4", "its emotionmaxvote is `9.0`, not a whole number from 0 to 6"),
        ("v5", "its emotionmaxvote is `2.5`, not a whole number from 0 to 6"),
        ("v6", "its emotionmaxvote is `happy`, not a whole number from 0 to 6"),
    }
    rows = corpus.table[corpus.table["split"] == "train"].set_index("speaker")
    assert list(rows.index) == ["v3", "v7"]
    assert rows.loc["v3", "arousal"] == pytest.approx(1 + 6 * 0.2)
    assert np.isnan(rows.loc["v3", "valence"])
    assert rows.loc["v3", "emotion"] == ""
    assert "1 rows of train are listed twice and are taken once" in corpus.notes


def test_omg_beside_other_tables_and_folders(tmp_path):
    """Names are read by whole words, the authors' tables come first, and one recording is of one split."""
    tested = ["v6,utterance_1.mp4,0.6,0.6,6", "v1,utterance_2.mp4,0.1,0.4,0"]
    omg(tmp_path, GOOD, ["v5,utterance_1.mp4,0.3,0.3,5"], tested)
    (tmp_path / "aaa_test_results.csv").write_text(f"{HEADER}\nurl,0,1,v9,utterance_1.mp4,0.5,0.5,1\n")
    (tmp_path / "interval_latest_devices.csv").write_text("a,b\n1,2\n")
    with (tmp_path / "omg_TrainVideos.csv").open("a") as table:
        table.write("url,0,1,v8,,0.5,0.5,1\n")
    for video, utterance in (("v1", 1), ("v1", 2), ("v5", 1), ("v6", 1), ("v9", 1)):
        sound(tmp_path / "interval_audio" / video / f"utterance_{utterance}.wav")
    corpus = omg_emotion.read(tmp_path)
    paths = corpus.table.set_index("split")["path"].map(lambda path: path.removeprefix("interval_audio/"))
    assert paths.to_dict() == {
        "train": "v1/utterance_1.wav",
        "development": "v5/utterance_1.wav",
        "test": "v6/utterance_1.wav",
    }
    assert {(one.file, one.fault) for one in corpus.problems} == {
        ("omg_TrainVideos.csv, line 4", "names no video or no utterance"),
        ("interval_audio/v1/utterance_2.wav", "is listed in train and in test"),
    }
    told = "the test set is as omg_TestVideos_WithLabels.csv lists it, not as aaa_test_results.csv"
    assert told in corpus.notes


def test_omg_without_labels_of_the_test_set_and_without_folders_of_splits(tmp_path):
    omg(tmp_path / "tables", GOOD, ["v5,utterance_1.mp4,0.3,0.3,5"], [], header=HEADER)
    (tmp_path / "tables" / "omg_TestVideos_WithLabels.csv").unlink()
    (tmp_path / "tables" / "omg_TestVideos.csv").write_text(
        "link,start,end,Video,Utterance\nurl,0,1,v9,utterance_1.mp4\n"
    )
    for video, utterance in (("v1", 1), ("v1", 2), ("v5", 1), ("v9", 1)):
        sound(tmp_path / "sounds" / video / f"utterance_{utterance}.wav")
    table = omg_emotion.read(tmp_path).table.set_index("split")
    assert table.loc["test", "emotion"] == ""
    assert np.isnan(table.loc["test", "arousal"])
    assert len(table.loc[["train"]]) == 2


def test_numbers_and_tables_that_make_no_sense_are_told(tmp_path):
    sound(tmp_path / "AudioData" / "DC" / "a00.wav")
    sound(tmp_path / "AudioData" / "DC" / "a01.wav")
    assert [one.file for one in savee.read(tmp_path).problems] == ["AudioData/DC/a00.wav"]
    sound(tmp_path / "crema" / "AudioWAV" / "1001_DFA_ANG_XX.wav")
    for content in (b"x,y\n1,2\n", b"\xff\xfe\x00", b""):
        (tmp_path / "crema" / "VideoDemographics.csv").write_bytes(content)
        with pytest.raises(DataError, match=r"VideoDemographics.csv: .*; copy it again, or remove it\."):
            crema_d.read(tmp_path / "crema")


def test_omg_whose_tables_lack_is_told(tmp_path):
    omg(tmp_path, GOOD, ["v5,utterance_1.mp4,0.3,0.3,5"], [])
    (tmp_path / "omg_ValidationVideos.csv").unlink()
    with pytest.raises(DataError, match=r"no table of the development set with the columns video and utterance"):
        omg_emotion.read(tmp_path)
    omg(tmp_path, GOOD, ["v5,utterance_1.mp4,0.3,0.3,5"], ["v1,utterance_1.mp4,0.6,0.6,6"])
    with pytest.raises(DataError, match=r"none of the 4 utterances listed has a sound file"):
        omg_emotion.read(tmp_path)


def libri(folder, subset, speakers, utterances=2):
    for speaker in speakers:
        for number in range(utterances):
            sound(folder / subset / str(speaker) / "7" / f"{speaker}-7-{number:04}.flac")


def test_librispeech_holds_speakers_out_whoever_else_is_there(tmp_path):
    libri(tmp_path, "train-clean-100", range(100, 160), 1)
    (tmp_path / "SPEAKERS.TXT").write_text("; comment\n100 | F | train-clean-100 | 25 | A\n101 | M | x | 25 | B\n")
    whole = librispeech.read(tmp_path, development=0.1)
    assert whole.label_kind == "none"
    assert set(whole.table["split"]) == {"train", "development"}
    assert whole.table.groupby("speaker")["split"].nunique().max() == 1
    assert 1 <= (whole.table["split"] == "development").sum() <= 15
    assert (whole.table["stop_sample"] == -1).all()
    genders = whole.table.set_index("speaker")["gender"]
    assert (genders["100"], genders["101"], genders["102"]) == ("Female", "Male", "")
    for speaker in range(100, 130):
        shutil.rmtree(tmp_path / "train-clean-100" / str(speaker))
    part = librispeech.read(tmp_path, development=0.1)
    if (part.table["split"] == "development").sum() > 1:
        assert splits(part).items() <= splits(whole).items()


def test_librispeech_develops_on_its_own_subsets_where_they_are(tmp_path):
    libri(tmp_path / "LibriSpeech", "train-clean-100", [1, 2])
    libri(tmp_path / "LibriSpeech", "dev-clean", [3])
    libri(tmp_path / "LibriSpeech", "test-other", [4])
    table = librispeech.read(tmp_path).table
    assert set(table.loc[table["split"] == "development", "speaker"]) == {"3"}
    chosen = librispeech.read(tmp_path, subsets=["train-clean-100"]).table
    assert set(chosen["speaker"]) == {"1", "2", "3"}
    with pytest.raises(DataError, match=r"has no subset train-other-500; take some of dev-clean, test-other, train"):
        librispeech.read(tmp_path, subsets=["train-other-500"])


def test_librispeech_that_cannot_be_split_is_told(tmp_path):
    libri(tmp_path, "train-clean-100", [1])
    with pytest.raises(DataError, match=r"one speaker cannot train and develop too"):
        librispeech.read(tmp_path)
    for path in tmp_path.rglob("*.flac"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match=r"none of its utterances can be read; 2 times: .*1-7-0000\.flac"):
        librispeech.read(tmp_path)


def test_every_speaker_of_the_real_emodb_is_left_out_once(real_data):
    tested = []
    for speaker in sorted(emodb.GENDERS):
        corpus = emodb.read(real_data / "emodb", left_out=int(speaker))
        assert len(corpus) == 339
        table = corpus.table
        assert set(table.loc[table["split"] == "test", "speaker"]) == {speaker}
        assert table.groupby("speaker")["split"].nunique().max() == 1
        assert table.loc[table["split"] == "development", "speaker"].nunique() == 2
        tested.append(speaker)
    assert len(tested) == 10
    with pytest.raises(DataError, match=r"data.corpus.left_out=3: leaves one speaker out"):
        emodb.read(real_data / "emodb", left_out=3, fold=2)
