"""Cluster the set of every pass right before it, and rewrite its pseudo-labels and sampling weights.

Shapes: S sentences, C chunks, T frames, F mel bins, D embedding size, Q clusters.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import Tensor

from callbacks.kmeans import Clustering, chosen_backend, make_kmeans
from callbacks.protocols import Clustered, ClusteredData
from callbacks.relabelling import Relabelling, RelabellingListener
from datamodules.batch import UNLABELED
from datamodules.processes import from_first
from datamodules.seeds import derive_seed
from datamodules.whole_set import over_set

log = logging.getLogger(__name__)


def _shuffled(labels: Tensor, num_clusters: int, generator: torch.Generator) -> Tensor:
    return labels[torch.randperm(len(labels), generator=generator)]


def _random(labels: Tensor, num_clusters: int, generator: torch.Generator) -> Tensor:
    return torch.randint(num_clusters, labels.shape, generator=generator)


# What U learns from, made of its clusters (S, C). All but the clusters themselves are controls.
ON_UNLABELED: dict[str, Callable[[Tensor, int, torch.Generator], Tensor]] = {
    "clusters": lambda labels, num_clusters, generator: labels,
    "shuffled": _shuffled,
    "random": _random,
}


class PseudoLabels(pl.Callback):
    """Algorithm 1 of Lin & Busso (2024): each set is clustered with the encoder as it is when its pass begins.

    U and L are clustered apart. Seeds come from (seed, pass), so a resumed pass is clustered as it would have
    been. Embeddings go in as they are: no PCA, no whitening, no length normalisation.

    directory: the run's, whose disk takes embeddings that are too many for the memory.
    num_clusters: Q. iterations: of k-means. backend: auto, faiss or torch, see chosen_backend.
    on_unlabeled: what U learns from. `clusters`; or, to see what these are worth, `shuffled`: the clusters of one
    sentence given to another, or `random`: no clusters at all, drawn anew for every pass.
    Raises ValueError for others.
    """

    decides_outcome = True

    def __init__(
        self,
        directory: Path,
        num_clusters: int,
        seed: int,
        iterations: int = 20,
        backend: str = "auto",
        on_unlabeled: str = "clusters",
    ) -> None:
        for name, value, least in (("num_clusters", num_clusters, 2), ("iterations", iterations, 1)):
            if value < least:
                raise ValueError(f"{name} is a whole number {least} or more, not {value!r}")
        if on_unlabeled not in ON_UNLABELED:
            raise ValueError(f"on_unlabeled is one of {', '.join(ON_UNLABELED)}, not {on_unlabeled!r}")
        self.directory = Path(directory)
        self.num_clusters = num_clusters
        self.on_unlabeled = on_unlabeled
        self.seed = seed
        self.iterations = iterations
        self.backend = chosen_backend(backend)
        self.kmeans = make_kmeans(self.backend)

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Say what clusters."""
        log.info("k-means by %s", self.backend)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Re-label the set of the pass that begins."""
        # The loader of this pass exists already, but its sampler draws at the first batch, which comes later.
        data: ClusteredData = trainer.datamodule  # type: ignore[attr-defined]
        model: Clustered = pl_module  # type: ignore[assignment]
        pass_index, started = trainer.current_epoch, time.perf_counter()
        set_name = data.passes[pass_index]
        seed = derive_seed(self.seed, "clusters", pass_index)
        # 1. Embed the set with the encoder as it is now.
        with trainer.precision_plugin.forward_context():
            embeddings = embed_set(pl_module, model, data, set_name, self.directory)
        # 2. Cluster the embeddings, in the first process.
        clustering, labels = from_first(lambda: self._cluster(embeddings, set_name, seed, model.device))
        seconds = time.perf_counter() - started
        # 3. Rewrite the set's pseudo-labels; the sampler's weights are made of them.
        previous = data.pseudo_labels.labels(set_name)
        data.pseudo_labels.update(set_name, labels, self.num_clusters, pass_index)
        # 4. Forget what the old cluster numbers meant.
        model.reset_cluster_classifier(torch.Generator().manual_seed(derive_seed(seed, "top")))
        # 5. Tell whoever listens.
        made = Relabelling(
            pass_index=pass_index,
            set_name=set_name,
            num_clusters=self.num_clusters,
            labels=labels,
            previous=previous,
            embeddings=embeddings,
            inertia=clustering.inertia,
            reseeded=clustering.reseeded,
            largest=clustering.largest,
            effective_size=data.effective_size(set_name),
            seconds=seconds,
        )
        for listener in trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(listener, RelabellingListener):
                listener.on_relabelling(trainer, pl_module, made)

    def _cluster(
        self, embeddings: Tensor | None, set_name: str, seed: int, device: torch.device
    ) -> tuple[Clustering, Tensor]:
        """The clustering, and the labels (S, C) that the set is to learn from."""
        assert embeddings is not None  # the first process has them
        points = embeddings.flatten(0, 1)
        if self.backend == "torch":  # which clusters where the points are
            points = points.to(device)
        made = self.kmeans(points, self.num_clusters, self.iterations, seed)
        labels = made.labels.cpu().view(embeddings.shape[:2])
        if set_name == UNLABELED:
            generator = torch.Generator().manual_seed(derive_seed(seed, "on unlabeled"))
            labels = ON_UNLABELED[self.on_unlabeled](labels, self.num_clusters, generator)
        return made, labels


def embed_set(
    module: torch.nn.Module, model: Clustered, data: ClusteredData, set_name: str, folder: Path | None = None
) -> Tensor | None:
    """(S, C, D) embeddings of a whole set in evaluation mode, of the first process; None elsewhere.

    folder: where there is a disk for those that are too many for its memory; see over_set.
    """
    was_training = module.training
    module.eval()
    try:
        batches = data.in_order(set_name, model.device, model.dtype)
        count = data.size(set_name)
        return over_set(batches, count, lambda chunks: model.embed(chunks).float(), everywhere=False, folder=folder)
    finally:
        module.train(was_training)
