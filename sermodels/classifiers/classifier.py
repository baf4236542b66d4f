"""What every classifier of maps is.

Shapes: N chunks, K x H x W a map (channels, time, frequency), O outputs of the task.
"""

from torch import nn


class Classifier(nn.Module):
    """A network from an encoder's last map to the task's outputs: `forward` is (N, K, H, W) -> (N, O).

    A subclass takes `map_shape`, (K, H, W), and `num_outputs`, O, beside its own options.
    """
