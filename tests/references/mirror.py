"""Φ⁻¹ step by step from its weights, each batch its own statistics.

Shapes: N chunks, T frames, F mel bins, D = 256 features, K channels of a layer's map.
"""

from collections.abc import Sequence

from references.ladder import STRIDES, normalize
from torch import Tensor
from torch.nn.grad import conv2d_input


def mirror(p: dict[str, Tensor], h: Tensor, shapes: Sequence[tuple[int, int, int]]) -> Tensor:
    """(N, D) -> (N, T, F).

    p: a decoder's parameters by their names; shapes: (K, T', F') of the chunk and of the encoder's seven maps.
    """
    maps = (h @ p["input.0.weight"].T + p["input.0.bias"]).clamp(min=0).view(len(h), *shapes[-1])
    for step in range(6):
        maps = _back(p[f"blocks.{step}.0.weight"], maps, shapes[6 - step], STRIDES[6 - step])
        maps = normalize(maps) * p[f"blocks.{step}.1.weight"][:, None, None]
        maps = (maps + p[f"blocks.{step}.1.bias"][:, None, None]).clamp(min=0)
    return _back(p["blocks.6.weight"], maps, shapes[0], STRIDES[0])[:, 0] + p["offset"]


def _back(weight: Tensor, maps: Tensor, shape: tuple[int, int, int], stride: int) -> Tensor:
    # A transposed convolution is what turns a convolution's gradient into its input's.
    return conv2d_input((len(maps), *shape), weight, maps, stride, padding=1)
