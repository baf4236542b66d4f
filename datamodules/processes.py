"""The processes that train one model together, and what they hand each other. A single one sends nothing.

Shapes: n rows of this process, N rows of all.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

T = TypeVar("T")


def world_size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """This process's number; the first is 0."""
    return dist.get_rank() if world_size() > 1 else 0


class Share(NamedTuple):
    """The rows `first` .. `first + held` of `total` that one process works on."""

    first: int
    held: int
    total: int


def share_of(total: int, process: int | None = None) -> Share:
    """A process's even part of `total` rows, this one's by default; the shares differ by one row at most.

    A single process has them all:

    >>> share_of(10)
    Share(first=0, held=10, total=10)
    """
    process = rank() if process is None else process
    first, end = total * process // world_size(), total * (process + 1) // world_size()
    return Share(first, end - first, total)


def gather_rows(rows: Tensor, counts: list[int] | None = None) -> Tensor:
    """(n, …) -> (N, …): the rows of all processes, in their order, on every process; without gradient.

    counts: rows of each process, where they are known; else they are asked for.
    """
    if world_size() == 1:
        return rows
    counts = counts or _counts(rows)
    padded = _padded(rows, max(counts))
    parts = [torch.empty_like(padded) for _ in counts]
    dist.all_gather(parts, padded)
    return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])


def gather_rows_to_first(rows: Tensor) -> Tensor | None:
    """Like `gather_rows`, to the first process alone; None on the others, which need no memory for all rows."""
    if world_size() == 1:
        return rows
    counts = _counts(rows)
    padded = _padded(rows, max(counts))
    if rank() != 0:
        dist.gather(padded, dst=0)
        return None
    parts = [torch.empty_like(padded) for _ in counts]
    dist.gather(padded, parts, dst=0)
    return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])


def from_first(work: Callable[[], T]) -> T:
    """What `work` returns on the first process, on all of them; what it raises there is raised by all."""
    if world_size() == 1:
        return work()
    outcome: list[Any] = [None, None]
    if rank() == 0:
        try:
            outcome[0] = work()
        except Exception as error:  # handed on to everyone, so that nobody waits for a result that will not come
            outcome[1] = error
    dist.broadcast_object_list(outcome, src=0)
    if outcome[1] is not None:
        raise outcome[1]
    value: T = outcome[0]
    return value


def gather_objects(value: T) -> list[T]:
    """The value of every process, in their order."""
    if world_size() == 1:
        return [value]
    values: list[Any] = [None] * world_size()
    dist.all_gather_object(values, value)
    return values


def _counts(rows: Tensor) -> list[int]:
    return gather_objects(len(rows))


def _padded(rows: Tensor, count: int) -> Tensor:
    """`rows` with as many rows as the process that has most, as a collective wants them."""
    rows = rows.detach().contiguous()
    return torch.cat([rows, rows.new_zeros((count - len(rows), *rows.shape[1:]))]) if len(rows) < count else rows
