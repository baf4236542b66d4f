"""CNN-regressor: the supervised baseline (Lin et al. 2021; Lin & Busso 2024, section 4.3).

Shapes: B sentences, C chunks (1 when drawn singly), T frames, F mel bins, D features, O outputs of the task.
"""

from collections.abc import Mapping

from torch import Tensor

from datamodules.batch import UNLABELED, ChunkBatch
from sermodels.encoders.encoder import Encoder
from sermodels.heads import EmotionRegressor
from sermodels.module import EmotionModule
from sermodels.optimizations.optimization import Optimization, Parameters, Step
from sermodels.parts import Part, make


class CNNRegressor(EmotionModule):
    """Φ (VGG-16) and f_emo on single chunks; J = 1 - CCC. It has nothing to learn from U.

    The reconstruction baselines are this one with regularizers, which have.

    encoder, optimization: parts, see sermodels.encoders and sermodels.optimizations.
    regularizers: name -> part, see sermodels.regularizers.
    num_frames, num_mels: T and F.
    """

    defaults = {
        **EmotionModule.defaults,
        "encoder": {"_target_": "sermodels.encoders.vgg.VGG16"},
        "regularizers": {},
        "optimization": {"_target_": "sermodels.optimizations.sgd_and_adam.SGDAndAdam"},
    }

    def __init__(
        self,
        task: Part | None = None,
        encoder: Part | None = None,
        regularizers: Mapping[str, Part] | None = None,
        optimization: Part | None = None,
        num_frames: int = 62,
        num_mels: int = 128,
    ) -> None:
        task, encoder = self.own("task", task), self.own("encoder", encoder)
        regularizers, optimization = self.own("regularizers", regularizers), self.own("optimization", optimization)
        super().__init__(task)
        self.save_hyperparameters()
        self.encoder = make("encoder", encoder, Encoder, num_frames=num_frames, num_mels=num_mels)
        self.emotion_regressor = EmotionRegressor(self.encoder.num_features, self.task.num_outputs)
        self.regularize(regularizers, self.encoder)
        self.optimization = make("optimization", optimization, Optimization)

    @property
    def learns_from_unlabeled(self) -> bool:
        """Whether a regularizer acts on U."""
        return any(UNLABELED in one.passes for one in self.regularizers.values())  # type: ignore[operator]

    def latents(self, chunks: Tensor) -> Tensor:
        """(B, C, T, F) -> h (B, C, D), Φ's output, every chunk by itself."""
        return self.encoder(chunks.flatten(0, 1)).unflatten(0, chunks.shape[:2])

    def regress(self, latents: Tensor) -> Tensor:
        """(B, C, D) -> (B, C, O)."""
        return self.emotion_regressor(latents)

    def losses(self, batch: ChunkBatch) -> dict[str, Tensor]:
        """The task's loss on L, and the regularizers'."""
        h, trace = self.encoder.traced(batch.chunks.flatten(0, 1))
        h = h.unflatten(0, batch.chunks.shape[:2])
        return self.emotion_losses(h, batch) | self.regularizing_losses(h, batch, trace)

    def optimization_steps(self) -> list[Step]:
        """As the optimization plans them; decoders are outputs."""
        outputs = [*self.emotion_regressor.parameters(), *self.regularizers.parameters()]
        return self.optimization.steps(Parameters([*self.encoder.parameters()], [], outputs))
