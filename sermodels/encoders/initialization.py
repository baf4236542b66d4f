"""Initial weights as the DeepEmoCluster authors' program sets them."""

import math

from torch import nn


def initialize(module: nn.Module) -> None:
    """Convolutions N(0, sqrt(2 / (k·k·out))), linear layers N(0, 0.01), biases 0, batch norms 1 and 0.

    Recurrent layers keep PyTorch's own initialisation. Use with `Module.apply`.
    """
    if isinstance(module, nn.Conv2d):
        fan = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
        nn.init.normal_(module.weight, 0.0, math.sqrt(2.0 / fan))
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.01)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.ones_(module.weight)
        nn.init.zeros_(module.bias)
