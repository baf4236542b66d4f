"""The audio files a user names."""

from pathlib import Path
from types import ModuleType

import pytest

from datamodules.errors import DataError
from datamodules.reading.audio_files import find_audio


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
