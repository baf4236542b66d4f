"""Convolutions and one linear layer (Pereira et al. 2018, section 2.2).

Shapes: N chunks, K x H x W a map (channels, time, frequency), O outputs of the task.
"""

import torch
from torch import Tensor, nn

from sermodels.arguments import one_of, probability, whole_number
from sermodels.classifiers.classifier import Classifier
from sermodels.whole_batch import Dropout

POOLINGS = ("none", "time", "statistics", "all")
LEAST_VARIANCE = 1e-5  # whose root still has a gradient


class ConvClassifier(Classifier):
    """Batch norm, then conv3x3-BN-ReLU, pooling, dropout, and a linear layer with one unit an output.

    The paper says convolutional layers and a softmax, or one unit each for arousal and valence, and searches the rest;
    this is ours. The first batch norm makes encoders of any scale alike.

    num_layers: of convolutions; 0 is a linear probe. num_filters: of each. dropout: on what the last layer reads.
    pooling: the mean over `time`; `statistics`, mean and deviation over time (Snyder et al. 2018); the mean over `all`
        places of the map; or `none`.
    """

    def __init__(
        self,
        map_shape: tuple[int, int, int],
        num_outputs: int,
        num_layers: int = 1,
        num_filters: int = 64,
        dropout: float = 0.5,
        pooling: str = "time",
    ) -> None:
        super().__init__()
        whole_number("num_layers", num_layers, 0)
        whole_number("num_filters", num_filters, 1)
        probability("dropout", dropout)
        one_of("pooling", pooling, POOLINGS)
        self.pooling = pooling
        channels, height, width = map_shape
        layers: list[nn.Module] = [nn.BatchNorm2d(channels)]
        for _ in range(num_layers):
            convolution = nn.Conv2d(channels, num_filters, 3, padding=1, bias=False)
            layers += [convolution, nn.BatchNorm2d(num_filters), nn.ReLU()]
            channels = num_filters
        self.blocks = nn.Sequential(*layers)
        self.dropout = Dropout(dropout)
        places = {"none": height * width, "time": width, "statistics": 2 * width, "all": 1}[pooling]
        self.output = nn.Linear(channels * places, num_outputs)

    def forward(self, maps: Tensor) -> Tensor:
        """(N, K, H, W) -> (N, O)."""
        maps = self.blocks(maps)
        if self.pooling == "statistics":
            deviation = (maps.var(2, correction=0) + LEAST_VARIANCE).sqrt()
            maps = torch.cat([maps.mean(2), deviation], dim=1)
        elif self.pooling != "none":
            maps = maps.mean(2 if self.pooling == "time" else (2, 3))
        return self.output(self.dropout(maps.flatten(1)))
