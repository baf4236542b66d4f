"""How much main memory can still be had here."""

from pathlib import Path

MACHINE = Path("/proc/meminfo")
OWN_GROUPS = Path("/proc/self/cgroup")
CGROUPS = Path("/sys/fs/cgroup")


def free_memory() -> int | None:
    """Bytes, of the machine and of the group of processes that this one's memory is counted with, as SLURM's jobs are.

    None where the system does not say.
    """
    try:
        lines = MACHINE.read_text().splitlines()
        groups = OWN_GROUPS.read_text().splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    return min([*found, *(left for line in groups for left in _left_in(line))], default=None)


def _left_in(line: str) -> list[int]:
    """Of a line of /proc/self/cgroup, number:controllers:path, what each group from there upwards leaves."""
    _, controllers, path = line.split(":", 2)
    if controllers and "memory" not in controllers.split(","):
        return []
    root = CGROUPS / "memory" if controllers else CGROUPS
    names = ("limit_in_bytes", "usage_in_bytes") if controllers else ("max", "current")
    group = root / path.strip("/")
    above = [group, *(one for one in group.parents if one.is_relative_to(root))]
    return [left for one in above if (left := _left(one, *names)) is not None]


def _left(group: Path, limit: str, used: str) -> int | None:
    """Bytes to the group's limit, pages of files that can be dropped not counted; None where it has none."""
    try:
        most, held = ((group / f"memory.{name}").read_text().strip() for name in (limit, used))
        counts = dict(line.split(maxsplit=1) for line in (group / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # inside a container the path may lead nowhere
        return None
    if not most.isdigit() or not held.isdigit():
        return None  # "max"
    return max(0, int(most) - int(held) + int(counts.get("inactive_file", 0)))
