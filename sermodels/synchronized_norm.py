"""Batch normalisation over the whole batch where its processes talk by gloo; PyTorch's own needs a GPU.

Shapes: n rows of this process (N of all), K channels, any further dimensions.
"""

from typing import Any

import torch
import torch.distributed as dist
from pytorch_lightning.plugins.layer_sync import LayerSync
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sermodels.functional import at_least_float32


class _Sum(torch.autograd.Function):
    """The sum over processes. Each process's loss depends on it, so the gradients are summed as well."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        total = gradient.clone()
        dist.all_reduce(total)
        return total


class SynchronizedBatchNorm(_BatchNorm):
    """_BatchNorm whose training statistics are those of all processes' rows; some may have none."""

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of dimensions will do."""

    def forward(self, input: Tensor) -> Tensor:
        """(n, K, …) -> the same shape."""
        if not self.training:
            return super().forward(input)
        over = [0, *range(2, input.ndim)]
        shape = [-1] + [1] * (input.ndim - 2)
        x = at_least_float32(input)
        count = torch.tensor([x.numel() / x.shape[1]], dtype=x.dtype, device=x.device)
        sums: Tensor = _Sum.apply(torch.cat([x.sum(over), count]))  # type: ignore[no-untyped-call]
        count = sums[-1].detach()
        mean = sums[:-1] / count
        centred = x - mean.view(shape)
        variance: Tensor = _Sum.apply(centred.square().sum(over)) / count  # type: ignore[no-untyped-call]
        if self.running_mean is not None and self.running_var is not None and self.momentum is not None:
            with torch.no_grad():
                self.running_mean.lerp_(mean.to(self.running_mean), self.momentum)
                self.running_var.lerp_((variance * count / (count - 1)).to(self.running_var), self.momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
        normalized = centred * (variance + self.eps).rsqrt().view(shape)
        if self.weight is not None:
            normalized = normalized * self.weight.view(shape) + self.bias.view(shape)
        return normalized.to(input.dtype)


class SynchronizedOnCPU(LayerSync):
    """Lightning's plugin that puts SynchronizedBatchNorm in the place of every batch norm for a training."""

    def apply(self, model: nn.Module) -> nn.Module:
        """Replace them; weights, statistics and names stay."""
        _exchange(model, SynchronizedBatchNorm)
        return model

    def revert(self, model: nn.Module) -> nn.Module:
        """Put ordinary ones back."""
        _exchange(model, nn.BatchNorm2d)
        return model


def _exchange(model: nn.Module, kind: type[_BatchNorm]) -> None:
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, _BatchNorm):
                fresh = kind(child.num_features, child.eps, child.momentum, child.affine, child.track_running_stats)
                fresh.train(child.training)
                # The very same tensors: optimizers and checkpoints know them.
                fresh._parameters, fresh._buffers = child._parameters, child._buffers
                setattr(module, name, fresh)
