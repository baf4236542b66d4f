"""What is computed of a whole set, brought together from all processes and back into the set's order.

Shapes: B sentences a batch, n sentences of this process, S sentences of the set, C chunks, T frames, F mel bins.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import Tensor

from datamodules.batch import ChunkBatch
from datamodules.large_tensors import large_tensor
from datamodules.processes import gather_rows, gather_rows_to_first, world_size


def in_set_order(ids: Tensor, *rows: Tensor) -> tuple[Tensor, ...]:
    """Each of `rows` (n, …) as (S, …): the rows of all processes by rising id, on every process; without gradient.

    ids: (n,) sentence of each row. A sentence is on one process only.
    """
    gathered = [gather_rows(part) for part in (ids, *rows)]
    order = gathered[0].argsort()
    return tuple(part.detach()[order] for part in gathered[1:])


@torch.no_grad()
def over_set(
    batches: Iterable[ChunkBatch],
    count: int,
    compute: Callable[[Tensor], Tensor],
    everywhere: bool = True,
    folder: Path | None = None,
) -> Tensor | None:
    """`compute` of every batch's chunks, (B, C, T, F) -> (B, …), as (S, …) by rising id, in main memory.

    batches: this process's share of a set, as ChunkDataModule.in_order gives it; every sentence once. count: S.
    everywhere: whether all processes get the whole; else the first does, and the others get None, which saves them
        the memory.
    folder: where there is a disk for what is larger than the memory, see large_tensor; of a single process.

    No gradient is kept. Whether the model is in evaluation mode is the caller's to see to.
    """
    found = ((batch.sentence_ids.cpu(), compute(batch.chunks).cpu()) for batch in batches)
    if world_size() == 1:
        return _written_in_place(found, count, folder)
    ids, parts = zip(*found, strict=True)
    if everywhere:
        return in_set_order(torch.cat(ids), torch.cat(parts))[0]
    all_ids, whole = gather_rows_to_first(torch.cat(ids)), gather_rows_to_first(torch.cat(parts))
    return None if all_ids is None or whole is None else whole[all_ids.argsort()]


def _written_in_place(found: Iterable[tuple[Tensor, Tensor]], count: int, folder: Path | None) -> Tensor:
    """(S, …) of (ids, rows) a batch, never held twice: embeddings of 600,000 sentences are 6.8 GB."""
    whole: Tensor | None = None
    for ids, rows in found:
        if whole is None:
            shape = (count, *rows.shape[1:])
            whole = rows.new_empty(shape) if folder is None else large_tensor(shape, rows.dtype, folder)
        whole[ids] = rows
    assert whole is not None  # a set has sentences
    return whole
