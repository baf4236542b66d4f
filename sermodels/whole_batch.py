"""What a process must know of the whole batch when several share it: values of all rows, and draws for all rows.

Losses over a batch (CCC above all) are no means of the parts' losses, and a draw must not depend on how many
processes there are. Outside `holding`, and in a single process, everything here does nothing.

Shapes: B sentences of the whole batch, b of them held by this process.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from datamodules.processes import Share, gather_rows, share_of, world_size

_held: ContextVar[Share | None] = ContextVar("_held", default=None)


@contextmanager
def holding(share: Share) -> Iterator[None]:
    """While the losses of a batch are computed of which this process holds `share`."""
    token = _held.set(share if world_size() > 1 else None)
    try:
        yield
    finally:
        _held.reset(token)


def of_whole_batch(rows: Tensor) -> Tensor:
    """(b, …) -> (B, …): the rows of all processes in the batch's order, with gradient for this process's own.

    Every process then computes the same loss of the whole batch.
    """
    share = _held.get()
    if share is None:
        return rows
    whole: Tensor = _Gather.apply(rows, share)  # type: ignore[no-untyped-call]
    return whole


class _Gather(torch.autograd.Function):
    """DistributedDataParallel takes the mean of the processes' gradients, of which each is that of its own rows
    alone: hence the factor in `backward`."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, share: Share) -> Tensor:
        ctx.share = share
        return gather_rows(rows, [share_of(share.total, process).held for process in range(world_size())])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return gradient[ctx.share.first : ctx.share.first + ctx.share.held] * world_size(), None


def draw_rows(draw: Callable[[Sequence[int]], Tensor], shape: Sequence[int]) -> Tensor:
    """This process's rows of what `draw` gives for the whole batch, which all processes draw from the same seed.

    shape: of the rows held, any whole number of them a sentence.
    """
    share = _held.get()
    if share is None or share.held == 0:
        return draw(shape)
    a_sentence = shape[0] // share.held
    whole = draw((a_sentence * share.total, *shape[1:]))
    return whole[a_sentence * share.first : a_sentence * (share.first + share.held)]


class Dropout(nn.Dropout):
    """Dropout whose mask is the same however many processes share a batch."""

    def forward(self, input: Tensor) -> Tensor:
        """Any shape with sentences, or a whole number of rows a sentence, in front."""
        if not self.training or self.p == 0:
            return input
        return input * draw_rows(lambda shape: F.dropout(input.new_ones(shape), self.p), input.shape)
