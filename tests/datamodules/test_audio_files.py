"""The audio files a user names."""

import os
from pathlib import Path
from types import ModuleType

import pytest

from datamodules.errors import DataError
from datamodules.reading.audio_files import find_audio
from datamodules.reading.headers import scan


def test_files_as_named_and_folders_sorted_each_once(tmp_path: Path, tiny: ModuleType) -> None:
    last, second, first = (tiny.write_wav(tmp_path / name) for name in ("z.wav", "folder/b.wav", "folder/a/c.WAV"))
    (tmp_path / "folder" / "notes.txt").write_text("no audio")
    (tmp_path / "folder" / "._b.wav").write_bytes(b"left by macOS")
    assert find_audio([last, tmp_path / "folder", second]).files == [last, first, second]


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.wav: no such file or folder"):
        find_audio([tmp_path / "gone.wav"])
    with pytest.raises(DataError, match="no audio files found"):
        find_audio([tmp_path])


@pytest.mark.faults
def test_what_is_no_file_is_not_passed_over(tmp_path: Path, tiny: ModuleType) -> None:
    """Whoever reads it says what it is: a link that leads nowhere may be a disk that is not there."""
    tiny.write_wav(tmp_path / "a.wav")
    (tmp_path / "lost.wav").symlink_to(tmp_path / "gone.wav")
    (tmp_path / "round.wav").symlink_to(tmp_path / "round.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    assert [path.name for path in find_audio([tmp_path]).files] == ["a.wav", "lost.wav", "pipe.wav", "round.wav"]
    faults = dict(scan(tmp_path, lambda name: True, None)[["name", "fault"]].to_numpy())
    assert faults == {
        "a.wav": "",
        "lost.wav": "is a link that leads nowhere",
        "round.wav": "is a link that leads nowhere",
        "pipe.wav": "is a folder, a pipe or a device, and no file",
    }
