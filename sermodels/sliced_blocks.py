"""Blocks of convolution, batch normalisation and ReLU, a slice of the batch at a time.

Chunks of a batch meet in the normalisations alone, and there in two numbers a channel. So a slice of the batch goes
from one normalisation to the next while it lies in the processor's cache, and one map a block is kept for the backward
pass: what the normalisation reads. What it gives is computed again. PyTorch's own step keeps both, and more beside.
What comes out is the same up to rounding, of which there is less here: sums over a batch are kept in float64.

Shapes: N chunks of a batch, n of a slice, K channels of a map of H x W places, P = N·H·W places of a batch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.nn.modules.conv import _ConvNd

from sermodels.map_memory import LentMaps

LARGE = 256
"""Chunks of a batch from which on it is computed in slices; a smaller one's maps are no burden, and computing them
again would cost attention blocks a quarter of their time."""
SLICE_BYTES = 8 * 2**20
"""Of a slice's map: a few such maps fit a core's share of the cache."""
MADE_AGAIN = 8
"""A map so many times larger than what it is made of is not kept: the first convolution costs less than its memory."""


@dataclass(frozen=True)
class Block:
    """A convolution, batch normalisation and ReLU, and what may come before them."""

    convolution: _ConvNd
    norm: nn.Module
    mix: Callable[[Tensor], Tensor] | None = None
    """(N, K, H, W) -> the same shape, each chunk by itself; computed a second time in the backward pass."""
    mixing: Sequence[nn.Parameter] = ()
    """All that `mix` learns."""

    def before_norm(self, x: Tensor) -> Tensor:
        """(N, K, H, W) -> (N, K', H', W')"""
        made: Tensor = self.convolution(x if self.mix is None else self.mix(x))
        return made

    @property
    def learnt(self) -> list[nn.Parameter]:
        """All parameters."""
        return [*self.mixing, *self.convolution.parameters(), *self.norm.parameters()]


def through_blocks(x: Tensor, whole: Callable[[Tensor], Tensor], blocks: Sequence[Block]) -> Tensor:
    """(N, K, H, W) -> what `whole` makes of it, (N, K', H', W'): the modules of which `blocks` are the parts.

    In slices when training all of them on a processor with a large batch, unless several processes share the
    normalisations; else by `whole` itself.
    """
    learnt = [parameter for one in blocks for parameter in one.learnt]
    training = torch.is_grad_enabled() and all(one.requires_grad for one in learnt)
    own_norms = all(_is_plain(one.norm) for one in blocks)
    if not (training and own_norms and x.device.type == "cpu" and len(x) >= LARGE):
        return whole(x)
    made: Tensor = _SlicedBlocks.apply(x, blocks, *learnt)  # type: ignore[no-untyped-call]
    return made


def _is_plain(norm: nn.Module) -> bool:
    """Whether it is a training batch normalisation of one process, as PyTorch makes it when nothing is said."""
    if type(norm) is not nn.BatchNorm2d or norm.momentum is None:
        return False
    scales = norm.weight is not None and norm.weight.dtype in (torch.float32, torch.float64)
    return norm.training and norm.track_running_stats and scales


class _SlicedBlocks(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, blocks: Sequence[Block], *learnt: Tensor) -> Tensor:
        ctx.save_for_backward(x, *learnt)  # PyTorch refuses to go back where one of them has been changed since
        ctx.autocast = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")
        ctx.steps, ctx.lent = _forward(x, blocks)
        last: _Step = ctx.steps[-1]
        return last.normalized(last.before_norm(x, slice(None)))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        enabled, dtype = ctx.autocast
        x, *_ = ctx.saved_tensors
        with torch.autocast("cpu", dtype, enabled):
            of_x, of_learnt = _backward(x, ctx.steps, gradient, ctx.needs_input_grad[0])
        return of_x, None, *of_learnt


class _Step:
    """One block on one batch.

    block: it. before: the step that it reads; None reads the input x. count: N. example: (1, K, H, W) of its map.
    kept: (N, K, H, W) for what the normalisation reads, or None, and it is computed again.
    """

    def __init__(self, block: Block, before: "_Step | None", count: int, example: Tensor, kept: Tensor | None) -> None:
        self.block, self.before, self.kept = block, before, kept
        self.shape, self.dtype = (count, *example.shape[1:]), example.dtype
        self.moments = _Moments(self.shape[1], torch.promote_types(self.dtype, torch.float32))

    def read(self, x: Tensor, cut: slice) -> Tensor:
        """A slice of the block's input."""
        return x[cut] if self.before is None else self.before.normalized(self.before.before_norm(x, cut))

    def before_norm(self, x: Tensor, cut: slice) -> Tensor:
        """A slice of what the normalisation reads."""
        return self.block.before_norm(self.read(x, cut)) if self.kept is None else self.kept[cut]

    def normalized(self, x: Tensor) -> Tensor:
        """The same slice normalised, and ReLU of that: what the block gives."""
        norm: Any = self.block.norm
        one = self.moments
        return F.batch_norm(x, one.mean, one.variance, norm.weight, norm.bias, False, 0.0, norm.eps).relu_()


class _Moments:
    """Mean and variance of every channel (K,), of slices one after the other (Chan et al. 1979), in float64."""

    def __init__(self, channels: int, dtype: torch.dtype) -> None:
        self._none = torch.zeros(channels, dtype=dtype)
        self._sum_of_squares = torch.zeros(channels, dtype=torch.float64)
        self._mean = torch.zeros(channels, dtype=torch.float64)
        self.places = 0
        """P."""

    def add(self, x: Tensor) -> None:
        """(n, K, H, W)"""
        found = torch.batch_norm_update_stats(x, self._none.clone(), self._none.clone(), 1.0)
        mean, variance = (one.double() for one in found)
        places = x.numel() // x.shape[1]
        together = self.places + places
        shift = mean - self._mean
        self._sum_of_squares += variance * places + shift.square() * (self.places * places / together)
        self._mean += shift * (places / together)
        self.places = together

    def end(self, norm: Any) -> None:
        """After the last slice: `mean` and `variance`, and the running statistics as the batch norm keeps them."""
        self.mean = self._mean.to(self._none.dtype)
        self.variance = (self._sum_of_squares / self.places).to(self._none.dtype)
        unbiased = self._sum_of_squares / (self.places - 1)
        norm.running_mean.lerp_(self._mean.to(norm.running_mean), norm.momentum)
        norm.running_var.lerp_(unbiased.to(norm.running_var), norm.momentum)
        norm.num_batches_tracked.add_(1)


def _forward(x: Tensor, blocks: Sequence[Block]) -> tuple[list[_Step], LentMaps]:
    lent = LentMaps()
    steps: list[_Step] = []
    for block in blocks:
        before = steps[-1] if steps else None
        read = x[:1] if before is None else before.normalized(before.before_norm(x, slice(1)))
        example = block.before_norm(read)
        again = example.numel() >= MADE_AGAIN * read.numel()
        kept = None if again else lent((len(x), *example.shape[1:]), example.dtype)
        step = _Step(block, before, len(x), example, kept)
        for cut in _cuts(step, read.shape):
            made = block.before_norm(step.read(x, cut))
            step.moments.add(made)
            if kept is not None:
                kept[cut] = made
        step.moments.end(block.norm)
        steps.append(step)
    return steps, lent


def _cuts(step: _Step, read: Sequence[int]) -> list[slice]:
    """Slices of which neither the map nor what it is made of, n x `read`, is larger than SLICE_BYTES."""
    largest = max(torch.Size(one[1:]).numel() for one in (step.shape, read))
    count = max(1, SLICE_BYTES // (largest * step.dtype.itemsize))
    return [slice(first, first + count) for first in range(0, step.shape[0], count)]


class _BehindReLU:
    """z (N, K, H, W), the gradient of what a step's ReLU reads, written slice by slice; and its sums (K,), Σz, Σzn.

    n is what is normalised. z: memory for it.
    """

    def __init__(self, step: _Step, z: Tensor) -> None:
        norm: Any = step.block.norm
        self.step, self.z = step, z
        self.weight = norm.weight
        self.inverse = (step.moments.variance.double() + norm.eps).rsqrt()
        self.eps = norm.eps
        self.sum = torch.zeros(step.shape[1], dtype=torch.float64)
        self.sum_of_products = torch.zeros(step.shape[1], dtype=torch.float64)

    def add(self, cut: slice, gradient: Tensor, before_norm: Tensor, normalized: Tensor) -> None:
        """gradient: of `normalized`; all (n, K, H, W)."""
        z = self.z[cut]
        torch.ops.aten.threshold_backward.grad_input(gradient, normalized, 0, grad_input=z)
        mean = self.step.moments.mean
        _, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(
            *(z, before_norm, self.weight, None, None, mean, self.inverse.to(mean)),
            *(True, self.eps, [False, True, True]),
        )
        self.sum += of_bias
        self.sum_of_products += of_weight

    def through_norm(self) -> Callable[[slice, Tensor], Tensor]:
        """After the last slice: (cut, before_norm) -> the gradient of before_norm, (n, K, H, W).

        weight / σ · (z - Σz/P - n·Σzn/P) (Ioffe & Szegedy 2015, section 3).
        """
        moments = self.step.moments
        scale = self.weight.double() * self.inverse
        slope = -scale * self.inverse * self.sum_of_products / moments.places
        level = -scale * self.sum / moments.places - slope * moments.mean
        scale, slope, level = (one.to(moments.mean)[:, None, None] for one in (scale, slope, level))

        def gradient(cut: slice, before_norm: Tensor) -> Tensor:
            return torch.addcmul(level, self.z[cut], scale).addcmul_(before_norm, slope).to(before_norm.dtype)

        return gradient


def _backward(x: Tensor, steps: Sequence[_Step], gradient: Tensor, of_x: bool) -> tuple[Tensor | None, list[Tensor]]:
    """The gradients of x, where it is wanted, and of all that the blocks learn, in their order."""
    step = steps[-1]
    lent = LentMaps()
    behind = _BehindReLU(step, lent(step.shape, step.dtype))
    before_norm = step.before_norm(x, slice(None))
    behind.add(slice(None), gradient, before_norm, step.normalized(before_norm))
    learnt: list[Tensor] = []
    for step in reversed(steps):
        before, lender = step.before, LentMaps()
        if before is None:
            passed = torch.empty_like(x) if of_x else None
        elif (before.shape, before.dtype) == (step.shape, step.dtype):
            passed, lender = behind.z, lent  # each slice in the place of the one that has been read
        else:
            passed = lender(before.shape, before.dtype)
        behind_before = None if before is None or passed is None else _BehindReLU(before, passed)
        through_norm = behind.through_norm()
        sums: list[Tensor] = []
        for cut in _cuts(step, x.shape if before is None else before.shape):
            if before is None:
                read = x[cut]
            else:
                before_norm = before.before_norm(x, cut)
                read = before.normalized(before_norm)
            found, parts = _gradients(step.block, read, through_norm(cut, step.before_norm(x, cut)), passed is not None)
            sums = [one.add_(part) for one, part in zip(sums, parts, strict=True)] if sums else parts
            if behind_before is not None:
                behind_before.add(cut, found, before_norm, read)
            elif passed is not None:
                passed[cut] = found
        norm: Any = step.block.norm
        learnt[:0] = [*sums, behind.sum_of_products.to(norm.weight), behind.sum.to(norm.bias)]
        if behind_before is not None:
            behind, lent = behind_before, lender
    return (passed if of_x else None), learnt


def _gradients(block: Block, x: Tensor, gradient: Tensor, of_input: bool) -> tuple[Any, list[Tensor]]:
    """Of x (n, K, H, W), where it is wanted, and of all that `before_norm` learns, from that of what it gives."""
    if block.mix is None:
        return _through_convolution(block.convolution, x, gradient, of_input)
    with torch.enable_grad():
        read = x.detach().requires_grad_(of_input)
        mixed = block.mix(read)
    of_mixed, of_convolution = _through_convolution(block.convolution, mixed.detach(), gradient, True)
    wanted = [read, *block.mixing] if of_input else [*block.mixing]
    found = [*torch.autograd.grad(mixed, wanted, of_mixed.to(mixed.dtype))]
    return (found.pop(0) if of_input else None), [*found, *of_convolution]


def _through_convolution(convolution: _ConvNd, x: Tensor, gradient: Tensor, of_input: bool) -> tuple[Any, list[Tensor]]:
    """The same of a convolution, which is not computed again for it."""
    bias = convolution.bias
    of_x, *of_learnt = torch.ops.aten.convolution_backward(
        gradient,
        x.to(gradient.dtype),
        convolution.weight.to(gradient.dtype),
        None if bias is None else list(bias.shape),
        *(convolution.stride, convolution.padding, convolution.dilation),
        *(convolution.transposed, convolution.output_padding, convolution.groups),
        [of_input, True, bias is not None],
    )
    return of_x, [one.to(p) for one, p in zip(of_learnt, convolution.parameters(), strict=False)]
