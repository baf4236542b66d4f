"""Files that are whole or not there, and locks that die with their holder."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from datamodules import whole_files
from datamodules.errors import DataError
from datamodules.locks import held
from datamodules.whole_files import about, regular, whole_file, write_whole


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_whole(path, "before")

    def fail() -> None:
        with whole_file(path) as draft:
            draft.write_text("half")
            raise RuntimeError("fire")

    with pytest.raises(RuntimeError, match="fire"):
        fail()
    assert path.read_text() == "before"
    assert names(tmp_path) == {"a.json"}


@pytest.mark.parametrize("name", ["a.csv", "ä" * 120, "x" * 251 + ".csv"])
def test_names_as_long_as_the_disk_allows(name: str, tmp_path: Path) -> None:
    write_whole(tmp_path / name, "all")
    assert (tmp_path / name).read_text() == "all"


def test_a_full_disk_is_told_with_the_files_name(tmp_path: Path) -> None:
    """/dev/full takes no byte."""
    path = tmp_path / "a.json"

    def write() -> None:
        with whole_file(path) as draft:
            draft.symlink_to("/dev/full")
            draft.write_text("x")

    with pytest.raises(OSError, match="No space left") as told:
        write()
    assert (told.value.errno, told.value.filename) == (errno.ENOSPC, str(path))
    assert not names(tmp_path)
    with pytest.raises(OSError, match="nowhere"), about(path):
        (tmp_path / "nowhere" / "b").read_text()


def test_drafts_of_killed_processes_are_removed_and_those_of_others_stay(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path; from datamodules.whole_files import whole_file\n"
        "with whole_file(Path(sys.argv[1])) as draft:\n"
        "    draft.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    path = tmp_path / "a.json"
    killed = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = names(tmp_path)
    alive = tmp_path / left.replace(left.split(".")[-2], str(os.getppid()))
    alive.write_text("of a living process")
    write_whole(path, "whole")
    assert names(tmp_path) == {"a.json", alive.name}


def test_a_rename_reaches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    real = os.replace
    monkeypatch.setattr(whole_files, "_sync", lambda path: done.append(f"sync {path.name[:7]}"))
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append("rename"), real(a, b)))
    write_whole(tmp_path / "a.json", "")
    assert done == ["sync .a.json", "rename", f"sync {tmp_path.name[:7]}"]


def test_a_pipe_and_a_folder_are_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path / "pipe", "pipe"), (tmp_path, "folder")):
        with pytest.raises(DataError, match=f"is a .*{kind}"):
            regular(path)
    assert regular(tmp_path / "missing") == tmp_path / "missing"  # whoever reads it says so


def test_a_lock_ends_with_its_holder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "LOCK"
    program = (
        "import sys, time; from pathlib import Path; from datamodules.locks import held\n"
        "with held(Path(sys.argv[1]), 'it'):\n    print('held', flush=True); time.sleep(1); sys.exit()"
    )
    holder = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with held(path, "the run"):
        assert path.read_text().startswith(f"process {os.getpid()} on ")
    assert f"the run is held by process {holder.pid} on " in caplog.text
    assert path.read_text() == ""
    holder.wait()


@pytest.mark.faults
def test_what_the_system_refuses_to_read_is_not_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "bad disk").symlink_to("/proc/self/mem")  # refused with EIO
    with pytest.raises(DataError, match=r"bad disk: cannot be read \(Input/output error\); give this user the right"):
        regular(tmp_path / "bad disk")
    assert regular(tmp_path / "gone") == tmp_path / "gone"
