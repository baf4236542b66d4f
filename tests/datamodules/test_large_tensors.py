"""What is larger than the memory lies on the disk, and is the same."""

import errno
import os
from pathlib import Path

import pytest
import torch

from datamodules import free_memory as memory
from datamodules import large_tensors
from datamodules.free_memory import free_memory
from datamodules.large_tensors import large_tensor

GB = 2**30


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A planted one: 8 GB available, and this process's groups below tmp_path/groups."""
    (tmp_path / "meminfo").write_text(f"MemTotal: {16 * GB // 1024} kB\nMemAvailable: {8 * GB // 1024} kB\n")
    for name, place in (("MACHINE", "meminfo"), ("OWN_GROUPS", "cgroup"), ("CGROUPS", "groups")):
        monkeypatch.setattr(memory, name, tmp_path / place)
    return tmp_path


def group(folder: Path, limit: str, used: int, of_files: int, old: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = ("limit_in_bytes", "usage_in_bytes") if old else ("max", "current")
    for name, value in zip(names, (limit, used), strict=True):
        (folder / f"memory.{name}").write_text(f"{value}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {of_files}\n")


def test_a_machine_without_groups_has_what_it_says(machine: Path) -> None:
    assert free_memory() is None
    (machine / "cgroup").write_text("0::/not/mounted\n")
    assert free_memory() == 8 * GB


@pytest.mark.parametrize("old", [False, True])
def test_the_narrowest_group_above_this_process_bounds_it(machine: Path, old: bool) -> None:
    root = machine / "groups" / ("memory" if old else "")
    (machine / "cgroup").write_text("5:cpu:/job/step\n9:memory:/job/step\n" if old else "0::/job/step\n")
    group(root / "job", str(4 * GB), 3 * GB, GB // 2, old)  # 1.5 GB: files' pages can be dropped
    group(root / "job" / "step", "9223372036854771712" if old else "max", 3 * GB, 0, old)
    assert free_memory() == 3 * GB // 2
    group(root / "job", str(2 * GB), 3 * GB, 0, old)
    assert free_memory() == 0


def test_what_fits_is_in_memory_and_what_does_not_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = torch.randn(50, 3, 4)
    for free, mapped in ((None, False), (2 * values.nbytes, False), (2 * values.nbytes - 1, True)):
        monkeypatch.setattr(large_tensors, "free_memory", lambda free=free: free)
        made = large_tensor(values.shape, values.dtype, tmp_path)
        made[:] = values
        assert torch.equal(made, values)
        assert (str(tmp_path) in Path("/proc/self/maps").read_text()) == mapped
        assert not any(tmp_path.iterdir())
        del made


@pytest.mark.faults
def test_a_disk_without_room_is_told_before_it_is_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(large_tensors, "free_memory", lambda: 0)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        large_tensor((2, 3), torch.float32, tmp_path)
    assert caught.value.filename == str(tmp_path)
