"""ACG's serial encoder over frames: a recurrence over the time steps that the convolutions leave of a chunk.

Shapes: N chunks, T = 62 frames, F = 128 mel bins, D = 256 features.
"""

from typing import Any

from torch import Tensor, nn

from sermodels.encoders.spatial_temporal import SpatialTemporalEncoder


class SerialFramesEncoder(SpatialTemporalEncoder):
    """The recurrent network on the Attn-Conv network's map (one reading of Zhao et al. 2023, section 4.4, [s]).

    The map of 62 frames has two time steps left, whose outputs are averaged. The other reading, a recurrence over the
    chunk vectors of a sentence, is an encoder of convolutions with a recurrent temporal net. All options are
    SpatialTemporalEncoder's.
    """

    def __init__(self, **shared: Any) -> None:
        super().__init__(**shared)
        # The map itself goes into the recurrence, so the layer that would have flattened it has no use.
        self.spatial.output = nn.Identity()

    def step_size(self, num_mels: int) -> int:
        """A time step of the map, all its channels and bins."""
        channels, _, height = self.spatial.map_shape
        return channels * height

    def forward(self, chunks: Tensor) -> Tensor:
        """(N, T, F) -> h (N, D)."""
        steps = self.spatial.feature_map(chunks).transpose(1, 2).flatten(2)  # (N, 2, 128·4)
        return self.dropout(self.temporal(steps).mean(1))
