"""What ACG's encoders share: an Attn-Conv network and a recurrent network, to be combined in one way or another.

Shapes: N chunks, L steps, T = 62 frames, F = 128 mel bins, D = 256 features.
"""

from collections.abc import Sequence

from sermodels.arguments import probability
from sermodels.encoders.encoder import Encoder
from sermodels.encoders.vgg import VGG16
from sermodels.recurrent import Recurrent
from sermodels.whole_batch import Dropout


class SpatialTemporalEncoder(Encoder):
    """Both networks; a subclass says what the recurrent one reads, and how they are combined.

    attention_blocks, kv_pool, attention: see VGG16. recurrent: see Recurrent. dropout: on the features, the only one.
    """

    def __init__(
        self,
        attention_blocks: Sequence[int] = (1, 3, 5, 7),
        kv_pool: int = 4,
        attention: bool = True,
        recurrent: str = "bigru",
        dropout: float = 0.5,
        num_frames: int = 62,
        num_mels: int = 128,
    ) -> None:
        super().__init__()
        probability("dropout", dropout)
        self.spatial = VGG16(0.0, attention_blocks, kv_pool, attention, num_frames, num_mels)
        self.num_features = self.spatial.num_features
        self.temporal = Recurrent(recurrent, self.step_size(num_mels), self.num_features)
        self.dropout = Dropout(dropout)

    def step_size(self, num_mels: int) -> int:
        """Numbers a step that the recurrent network reads."""
        raise TypeError(f"{type(self).__name__} must say what its recurrent network reads")
