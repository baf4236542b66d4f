"""A classifier, or a regressor, on an encoder that learns no more (Pereira et al. 2018, section 2.3).

Shapes: B sentences, C chunks (1 when drawn singly), N chunks, T frames, F bins, K x H x W the encoder's last map,
O outputs of the task.
"""

from typing import Any, Self

import torch
from torch import Tensor

from datamodules.batch import LABELED, ChunkBatch
from datamodules.whole_set import over_set
from sermodels.arguments import number, switch
from sermodels.classifiers.classifier import Classifier
from sermodels.encoders.encoder import Encoder, map_shape_of
from sermodels.module import EmotionModule
from sermodels.optimizations.optimization import Step
from sermodels.parts import Part, make


class FrozenClassifier(EmotionModule):
    """An encoder's last map, and a small network on it that alone is trained.

    encoder: a part; whoever makes the model fills in what it has learnt elsewhere. classifier: a part.
    frozen: the encoder keeps its weights and its running statistics to the last bit, and drops nothing out; False
        trains all of it, end to end.
    cache_maps: a frozen encoder's maps are computed once and kept in memory, 4 K H W bytes a chunk.
    lr, weight_decay: of Adam.
    num_frames, num_mels: T and F.
    """

    defaults = {
        **EmotionModule.defaults,
        "encoder": {"_target_": "sermodels.encoders.pyramid.PyramidEncoder"},
        "classifier": {"_target_": "sermodels.classifiers.conv.ConvClassifier"},
    }
    learns_from_unlabeled = False

    def __init__(
        self,
        task: Part | None = None,
        encoder: Part | None = None,
        classifier: Part | None = None,
        frozen: bool = True,
        cache_maps: bool = True,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
        num_frames: int = 32,
        num_mels: int = 512,
    ) -> None:
        task, encoder = self.own("task", task), self.own("encoder", encoder)
        classifier = self.own("classifier", classifier)
        super().__init__(task)
        self.save_hyperparameters()
        switch("frozen", frozen)
        switch("cache_maps", cache_maps)
        number("lr", lr)
        number("weight_decay", weight_decay)
        self.frozen, self.cache_maps = frozen, cache_maps
        self.lr, self.weight_decay = lr, weight_decay
        self.encoder = make("encoder", encoder, Encoder, num_frames=num_frames, num_mels=num_mels)
        self.encoder.requires_grad_(not frozen)
        self.map_shape = map_shape_of(self.encoder)
        self.classifier = make(
            "classifier", classifier, Classifier, map_shape=self.map_shape, num_outputs=self.task.num_outputs
        )
        self.maps: dict[str, Tensor] = {}
        """Of whole sets, (S, C, K H W), NaN for chunks that a sentence does not have."""

    def train(self, mode: bool = True) -> Self:
        """The encoder stays in evaluation mode where it is frozen."""
        super().train(mode)
        self.encoder.train(mode and not self.frozen)
        return self

    def on_fit_start(self) -> None:
        """Compute the maps of the sets that are read in every pass."""
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        for name in (LABELED, "development"):
            if self.frozen and self.cache_maps and name not in self.maps:
                self.maps[name] = self.maps_of(data, name)

    def maps_of(self, data: Any, set_name: str) -> Tensor:
        """(S, C, K H W) of a whole set, in main memory. data: see ChunkDataModule."""
        was_training = self.training
        self.eval()
        try:
            maps = over_set(data.in_order(set_name, self.device, self.dtype), data.size(set_name), self._maps_of_chunks)
        finally:
            self.train(was_training)
        assert maps is not None  # asked for everywhere
        return maps

    def _maps_of_chunks(self, chunks: Tensor) -> Tensor:
        return self.where_present(chunks, self.latents)

    def latents(self, chunks: Tensor) -> Tensor:
        """(B, C, T, F) -> the encoder's last maps, (B, C, K H W)."""
        return self.encoder.feature_map(chunks.flatten(0, 1)).flatten(1).unflatten(0, chunks.shape[:2])

    def regress(self, latents: Tensor) -> Tensor:
        """(B, C, K H W) -> (B, C, O)."""
        maps = latents.flatten(0, 1).unflatten(1, self.map_shape)
        return self.classifier(maps).unflatten(0, latents.shape[:2])

    def of_batch(self, batch: ChunkBatch) -> Tensor:
        """(B, C, O), from kept maps where there are some."""
        if batch.set_name not in self.maps:
            return super().of_batch(batch)
        return self.where_present(self._kept(batch), self.regress)

    def _kept(self, batch: ChunkBatch) -> Tensor:
        ids, positions = batch.sentence_ids.cpu(), batch.positions.cpu()
        return self.maps[batch.set_name][ids[:, None], positions].to(self.device)

    def losses(self, batch: ChunkBatch) -> dict[str, Tensor]:
        """The task's loss."""
        kept = batch.set_name in self.maps
        return self.emotion_losses(self._kept(batch) if kept else self.latents(batch.chunks), batch)

    def optimization_steps(self) -> list[Step]:
        """Adam on what is trained."""
        trained = [parameter for parameter in self.parameters() if parameter.requires_grad]
        return [Step(torch.optim.Adam(trained, self.lr, weight_decay=self.weight_decay), frozenset({LABELED}))]
