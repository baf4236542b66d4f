"""How a program ends for its user."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from datamodules.errors import DataError
from experiments.console.user_errors import sentence_of, user_errors


def test_a_users_mistake_ends_with_one_sentence_and_code_2(capsys):
    with pytest.raises(SystemExit) as caught, user_errors():
        raise DataError("x.wav: broken; mend it.")
    assert caught.value.code == 2
    assert capsys.readouterr().err == "error: x.wav: broken; mend it.\n"


def test_an_interruption_ends_with_code_130():
    with pytest.raises(SystemExit) as caught, user_errors():
        raise KeyboardInterrupt
    assert caught.value.code == 130


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/a/b"), "/a/b: No space left on device; is on a full disk"),
        (OSError(errno.ENOSPC, "No space left on device"), "a file, or what this program prints, is on a full"),
        (
            OSError(errno.EIO, "Input/output error"),
            "a file, or what this program prints: Input/output error; the disk answers",
        ),
        (
            OSError(errno.EDQUOT, "Disk quota exceeded", b"/a/\xff"),
            "/a/\\udcff: Disk quota exceeded; is on a full disk",
        ),
        (OSError(errno.EROFS, "Read-only file system", "/a"), "/a: Read-only file system; is on a disk that can only"),
        (OSError(errno.EMFILE, "Too many open files", "/a"), "ulimit -n"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "too little memory (.*); nothing is damaged"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "/a"), "give a file, or remove the folder"),
        (PermissionError(errno.EACCES, "Permission denied", "/a"), "or this user the right to it"),
        (RuntimeError("name: EMFILE, message: too many open files"), "too many files are open; allow more by ulimit"),
        (MemoryError(), "too little memory (it is used up); nothing is damaged"),
    ],
)
def test_what_the_system_refuses_is_a_sentence(error, said, capsys):
    with pytest.raises(SystemExit) as caught, user_errors():
        raise error
    assert caught.value.code == 2
    told = capsys.readouterr().err
    assert said.replace("(.*)", "([Errno 12] Cannot allocate memory)") in told
    assert told.count("\n") == 1


def test_memory_that_libraries_are_refused_is_no_damage():
    for ask in (lambda: np.empty(2**60, dtype=np.uint8), lambda: torch.empty(2**60, dtype=torch.uint8)):
        with pytest.raises((MemoryError, RuntimeError)) as caught:
            ask()
        assert "nothing is damaged" in sentence_of(caught.value)


def test_a_fault_of_ours_keeps_its_traceback():
    for error in (OSError(errno.EBADF, os.strerror(errno.EBADF)), ValueError("x"), RuntimeError("shapes differ")):
        assert sentence_of(error) is None
        with pytest.raises(type(error)), user_errors():
            raise error


PRINTS = "from experiments.console.user_errors import user_errors\nwith user_errors():\n    print('x' * {count})"


@pytest.mark.parametrize("count", [1, 100_000])  # what is printed at once, and what waits until the end
def test_a_reader_that_left_is_no_fault(count):
    command = [sys.executable, "-c", PRINTS.format(count=count)]
    left = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    left.stdout.close()
    assert left.stderr.read() == ""
    assert left.wait() == 141
    left.stderr.close()


PLACES = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])}


@pytest.mark.parametrize("count", [1, 100_000])
def test_output_that_is_refused_is_a_sentence(count):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", PRINTS.format(count=count)], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 2
    assert done.stderr.startswith("error: a file, or what this program prints, is on a full disk")
    assert done.stderr.count("\n") == 1


def test_an_interruption_of_the_imports_is_no_traceback():
    code = "import experiments, os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(5)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (-2, "interrupted; nothing was begun.\n")


def test_no_room_for_pytorch_is_a_sentence():
    # 500 MB hold numpy where OpenBLAS has one thread, and nowhere PyTorch's 1 GB of libraries
    limited = f"ulimit -v 500000; exec {sys.executable} -m experiments.predict --checkpoint x --output y z"
    done = subprocess.run(
        ["sh", "-c", limited], env=os.environ | {"OPENBLAS_NUM_THREADS": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: there is too little memory")


@pytest.mark.parametrize(
    "refusal",
    [
        "MemoryError()",
        "OSError(12, 'Cannot allocate memory')",
        "ImportError('libx.so: failed to map segment from shared object')",
    ],
)
def test_no_room_while_a_program_is_imported_is_a_sentence(refusal):
    code = f"import experiments; raise {refusal}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("error: there is too little memory")


@pytest.mark.parametrize("name", ["RANK", "SLURM_PROCID"])
def test_an_environment_that_no_program_can_be_imported_in_is_told(name):
    code = f"import experiments, os; int(os.environ[{name!r}])"
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | {name: "abc"}, capture_output=True, text=True)
    told = f"error: the environment has {name}='abc', no number of a process; unset it.\n"
    assert (done.returncode, done.stderr) == (2, told)


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_closed_streams_cost_nothing_and_no_file_takes_their_place(closed, tmp_path):
    code = (
        "import experiments\n"
        "from experiments.console.user_errors import user_errors\n"
        "import os, subprocess, sys\n"
        "with user_errors():\n"
        "    subprocess.run([sys.executable, '-c', 'import os; [os.fstat(n) for n in range(3)]'], check=True)\n"
        f"    with open({str(tmp_path / 'result')!r}, 'w') as file:\n"
        "        print('told')\n"
        "        os.write(1, b'told by a library')\n"
        "        print('told', file=sys.stderr)\n"
        "        file.write('kept')\n"
    )
    (tmp_path / "code.py").write_text(code)
    done = subprocess.run(["sh", "-c", f"{sys.executable} {tmp_path / 'code.py'} {closed}"], env=PLACES, timeout=60)
    assert done.returncode == 0
    assert (tmp_path / "result").read_text() == "kept"


def test_a_locale_without_our_signs_is_printed_in(tmp_path):
    code = "import experiments; print('Temp‑GRU – ∙')"
    variables = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "Temp\\u2011GRU \\u2013 \\u2219\n")


def test_a_limit_of_time_that_is_told_again_and_again_ends_a_program_once():
    code = (
        "from experiments.console.user_errors import user_errors\n"
        "import atexit, os, signal, time\n"
        "atexit.register(lambda: os.kill(os.getpid(), signal.SIGXCPU))\n"
        "with user_errors():\n"
        "    os.kill(os.getpid(), signal.SIGXCPU)\n"
        "    time.sleep(5)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 130


def test_a_working_folder_that_is_gone_is_told(tmp_path, monkeypatch, capsys):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(SystemExit), user_errors():
        raise AssertionError("begun")
    assert "error: the folder that this was started in: No such file or directory" in capsys.readouterr().err


def test_everything_is_a_traceback_where_that_is_asked_for(monkeypatch):
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(FileNotFoundError), user_errors():
        open("/gone")  # noqa: SIM115


def test_another_pipe_that_breaks_is_a_fault():
    """A connection to another process that is gone is no reader that left."""
    with pytest.raises(BrokenPipeError), user_errors():
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def test_signs_that_are_written_as_several_are_counted_as_those():
    sentence = sentence_of(DataError("no column FileName (found " + "\0" * 1500 + ")"))
    assert sentence.isprintable()
    assert len(sentence) < 2010
