"""A whole set from its batches, in a single process; tests/processes look at several."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from datamodules.batch import ChunkBatch
from datamodules.processes import Share
from datamodules.whole_set import in_set_order, over_set

SENTENCES, CHUNKS, FRAMES, MELS = 7, 3, 4, 5


def a_set() -> Tensor:
    """(S, C, T, F) chunks, all different."""
    return torch.arange(SENTENCES * CHUNKS * FRAMES * MELS, dtype=torch.float32).view(SENTENCES, CHUNKS, FRAMES, MELS)


def batches_of(chunks: Tensor, ids: Tensor, size: int = 3) -> Iterator[ChunkBatch]:
    for part in ids.split(size):
        positions = torch.arange(CHUNKS).expand(len(part), -1)
        share = Share(0, len(part), len(part))
        yield ChunkBatch(
            "L", part, positions, chunks[part], torch.zeros(len(part), 1), torch.full_like(positions, -1), share
        )


def test_rows_come_back_in_the_order_of_their_ids() -> None:
    ids = torch.tensor([4, 0, 3, 1, 2])
    outputs, labels = in_set_order(ids, 10.0 * ids, torch.stack([ids, -ids], 1))
    assert outputs.tolist() == [0, 10, 20, 30, 40]
    assert labels.tolist() == [[0, 0], [1, -1], [2, -2], [3, -3], [4, -4]]
    assert in_set_order(ids) == ()


def test_rows_keep_no_gradient() -> None:
    rows = torch.randn(4, 2, requires_grad=True)
    (ordered,) = in_set_order(torch.tensor([1, 0, 3, 2]), 2 * rows)
    assert not ordered.requires_grad
    assert torch.equal(ordered, 2 * rows.detach()[[1, 0, 3, 2]])


@pytest.mark.parametrize("everywhere", [True, False])
def test_a_set_is_computed_batch_by_batch_and_put_in_order(everywhere: bool) -> None:
    chunks, seen = a_set(), []

    def compute(some: Tensor) -> Tensor:
        seen.append(len(some))
        return some.mean((2, 3))

    shuffled = torch.tensor([5, 2, 6, 0, 3, 1, 4])
    whole = over_set(batches_of(chunks, shuffled), SENTENCES, compute, everywhere)
    assert seen == [3, 3, 1]
    assert whole is not None
    assert torch.equal(whole, chunks.mean((2, 3)))


@pytest.mark.parametrize("everywhere", [True, False])
def test_no_gradient_is_kept_over_a_set(everywhere: bool) -> None:
    net = torch.nn.Linear(MELS, 2)
    chunks = a_set()
    inside = []

    def compute(some: Tensor) -> Tensor:
        inside.append(torch.is_grad_enabled())
        return net(some).mean((1, 2))

    whole = over_set(batches_of(chunks, torch.arange(SENTENCES)), SENTENCES, compute, everywhere)
    assert inside == [False] * 3
    assert whole is not None
    assert not whole.requires_grad
    assert whole.device == torch.device("cpu")
    assert whole.shape == (SENTENCES, 2)
    assert torch.is_grad_enabled()
