"""A toy: linear regression on the mean frame of a chunk. What the smallest model file looks like.

Shapes: B sentences, C chunks, T frames, F mel bins, A attributes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from datamodules.batch import ChunkBatch
from sermodels.losses import ccc_loss
from sermodels.module import EmotionModule
from sermodels.optimization import BOTH, Step


class ToyMean(EmotionModule):
    """f_emo alone, without clusters and without U. lr: Adam's."""

    def __init__(
        self, attributes: Sequence[str] = ("arousal",), lr: float = 0.01, num_frames: int = 62, num_mels: int = 128
    ) -> None:
        super().__init__(attributes, {"ccc": 1.0})
        self.save_hyperparameters()
        self.lr = lr
        self.emotion_regressor = nn.Linear(num_mels, len(self.attributes))

    def latents(self, chunks: Tensor) -> Tensor:
        return chunks.mean(2)

    def regress(self, latents: Tensor) -> Tensor:
        return self.emotion_regressor(latents)

    def losses(self, batch: ChunkBatch) -> dict[str, Tensor]:
        return {"ccc": ccc_loss(self.regress(self.latents(batch.chunks)), batch.labels)}

    def optimization_steps(self) -> list[Step]:
        return [Step(torch.optim.Adam(self.parameters(), self.lr), BOTH)]
