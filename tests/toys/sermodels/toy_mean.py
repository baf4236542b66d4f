"""A toy: linear regression on the mean frame of a chunk. What the smallest model file looks like.

Shapes: B sentences, C chunks, T frames, F mel bins, O outputs of the task.
"""

import torch
from torch import Tensor, nn

from datamodules.batch import ChunkBatch
from sermodels.module import EmotionModule
from sermodels.optimizations.optimization import BOTH, Step
from sermodels.parts import Part


class ToyMean(EmotionModule):
    """f_emo alone, without clusters and without U. lr: Adam's."""

    learns_from_unlabeled = False

    def __init__(self, task: Part | None = None, lr: float = 0.01, num_frames: int = 62, num_mels: int = 128) -> None:
        super().__init__(task)
        self.save_hyperparameters()
        self.lr = lr
        self.emotion_regressor = nn.Linear(num_mels, self.task.num_outputs)

    def latents(self, chunks: Tensor) -> Tensor:
        return chunks.mean(2)

    def regress(self, latents: Tensor) -> Tensor:
        return self.emotion_regressor(latents)

    def losses(self, batch: ChunkBatch) -> dict[str, Tensor]:
        return self.emotion_losses(self.latents(batch.chunks), batch)

    def optimization_steps(self) -> list[Step]:
        return [Step(torch.optim.Adam(self.parameters(), self.lr), BOTH)]
