"""A LadderNet step by step from its weights (Rasmus et al. 2015, algorithm 1 and section 3.2), with autograd.

Shapes: N chunks, T frames, F mel bins, K channels of a layer's map; layer 0 is the chunk, layers 1 .. 7 the blocks.
"""

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.grad import conv2d_input

STRIDES = (1, 1, 2, 2, 2, 2, 2)


def combine(noisy: Tensor, above: Tensor, a: Tensor) -> Tensor:
    """g(z̃, u) with the ten parameters a_1 … a_10, each of any shape that fits the maps'."""
    mean = a[0] / (1 + torch.exp(-(a[1] * above + a[2]))) + a[3] * above + a[4]
    scale = a[5] / (1 + torch.exp(-(a[6] * above + a[7]))) + a[8] * above + a[9]
    return (noisy - mean) * scale + mean


def ladder(
    p: dict[str, Tensor], q: dict[str, Tensor], chunks: Tensor, noises: list[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """The noisy path's features (N, 256) and the eight costs, each batch its own statistics.

    p, q: parameters of an encoder and of its decoder by their names; chunks: (N, T, F); noises: of layers 0 .. 7,
    (N, K, T', F') each.
    """
    noisy, top = _encode(p, chunks, noises)
    clean, _ = _encode(p, chunks, [torch.zeros_like(one) for one in noises])
    features = (top.flatten(1) @ p["output.0.weight"].T + p["output.0.bias"]).clamp(min=0)
    u = (features @ q["top.weight"].T).view_as(top)
    costs = []
    for step, layer in enumerate(range(7, -1, -1)):
        a = torch.cat([q[f"combinators.{step}.mean"], q[f"combinators.{step}.scale"]])
        estimate = combine(noisy[layer], normalize(u), a)
        costs.append(((estimate - clean[layer]) ** 2).mean())
        if layer:  # a transposed convolution is what turns a convolution's gradient into its input's
            weight = q[f"convolutions.{step}.weight"]
            u = conv2d_input(noisy[layer - 1].shape, weight, estimate, STRIDES[layer - 1], padding=1)
    return features, costs[::-1]


def _encode(p: dict[str, Tensor], chunks: Tensor, noises: list[Tensor]) -> tuple[list[Tensor], Tensor]:
    h = chunks[:, None] + noises[0]
    maps = [h]
    for block, stride in enumerate(STRIDES):
        name = f"blocks.{block}"
        h = F.conv2d(h, p[f"{name}.0.weight"], p[f"{name}.0.bias"], stride, padding=1)
        maps.append(normalize(h) + noises[block + 1])
        h = (maps[-1] * p[f"{name}.1.weight"][:, None, None] + p[f"{name}.1.bias"][:, None, None]).clamp(min=0)
    return maps, h


def normalize(x: Tensor) -> Tensor:
    """Batch normalisation of (N, K, T', F') by the batch's own statistics, without scale and shift."""
    mean = x.mean((0, 2, 3), keepdim=True)
    variance = ((x - mean) ** 2).mean((0, 2, 3), keepdim=True)
    return (x - mean) / (variance + 1e-5).sqrt()
