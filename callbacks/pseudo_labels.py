"""Cluster the set of every pass right before it, and rewrite its pseudo-labels and sampling weights.

Shapes: S sentences, C chunks, T frames, F mel bins, D embedding size, Q clusters.
"""

import logging
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from callbacks.cluster_health import agreement, cluster_entropy
from callbacks.csv_table import CsvTable
from callbacks.kmeans import Clustering, make_kmeans
from callbacks.protocols import Clustered, ClusteredData
from datamodules.batch import derive_seed
from datamodules.processes import from_first, gather_rows_to_first

log = logging.getLogger(__name__)

COLUMNS = (
    "pass",
    "set",
    "clusters",
    "smallest",
    "largest",
    "entropy",
    "reseeded",
    "nmi_to_previous",
    "inertia",
    "sizes",
    "seconds",
)


class PseudoLabels(pl.Callback):
    """Algorithm 1 of Lin & Busso (2024): each set is clustered with the encoder as it is when its pass begins.

    U and L are clustered apart. Seeds come from (seed, pass), so a resumed pass is clustered as it would have
    been. Embeddings go in as they are: no PCA, no whitening, no length normalisation.

    num_clusters: Q. iterations: of k-means. backend: see make_kmeans.
    directory: where clusters.csv is written, a row a clustering; None writes none.
    """

    def __init__(
        self,
        num_clusters: int,
        seed: int,
        iterations: int = 20,
        backend: str = "auto",
        directory: Path | None = None,
    ) -> None:
        self.num_clusters = num_clusters
        self.seed = seed
        self.iterations = iterations
        self.kmeans = make_kmeans(backend)
        self.table = CsvTable(Path(directory) / "clusters.csv", COLUMNS) if directory else None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.table and trainer.is_global_zero:
            self.table.cut_back(trainer.current_epoch)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # The loader of this pass exists already, but its sampler draws at the first batch, which comes later.
        data: ClusteredData = trainer.datamodule  # type: ignore[attr-defined]
        model: Clustered = pl_module  # type: ignore[assignment]
        set_name = data.passes[trainer.current_epoch]
        started = time.perf_counter()
        with trainer.precision_plugin.forward_context():
            embeddings = embed_set(pl_module, model, data, set_name)
        seed = derive_seed(self.seed, "clusters", trainer.current_epoch)

        def cluster() -> tuple[Clustering, Tensor]:
            assert embeddings is not None
            made = self.kmeans(embeddings.flatten(0, 1), self.num_clusters, self.iterations, seed)
            return made, made.labels.cpu().view(embeddings.shape[:2])

        clustering, labels = from_first(cluster)
        previous = data.pseudo_labels.labels(set_name)
        data.pseudo_labels.update(set_name, labels, self.num_clusters, trainer.current_epoch)
        model.reset_cluster_classifier(torch.Generator().manual_seed(derive_seed(seed, "top")))
        sizes = torch.bincount(labels.flatten(), minlength=self.num_clusters)
        row: dict[str, Any] = {
            "pass": trainer.current_epoch,
            "set": set_name,
            "clusters": self.num_clusters,
            "smallest": int(sizes.min()),
            "largest": int(sizes.max()),
            "entropy": round(cluster_entropy(labels, self.num_clusters), 6),
            "reseeded": clustering.reseeded,
            "nmi_to_previous": agreement(labels, previous),
            "inertia": clustering.inertia,
            "sizes": " ".join(map(str, sizes.tolist())),
            "seconds": round(time.perf_counter() - started, 3),
        }
        if clustering.reseeded and trainer.is_global_zero:
            log.warning(
                "pass %d: %d of %d clusters of %s were empty and got a point each",
                row["pass"],
                clustering.reseeded,
                self.num_clusters,
                set_name,
            )
        if self.table and trainer.is_global_zero:
            self.table.append(row)
        pl_module.log("clusters/entropy", row["entropy"], on_step=False, on_epoch=True, batch_size=1)


@torch.no_grad()
def embed_set(module: torch.nn.Module, model: Clustered, data: ClusteredData, set_name: str) -> Tensor | None:
    """(S, C, D) embeddings of a whole set in evaluation mode, in the first process's main memory; None elsewhere."""
    was_training = module.training
    module.eval()
    try:
        batches = data.in_order(set_name, model.device, model.dtype)
        ids, parts = zip(
            *((one.sentence_ids.cpu(), model.embed(one.chunks).float().cpu()) for one in batches), strict=True
        )
    finally:
        module.train(was_training)
    all_ids, embeddings = gather_rows_to_first(torch.cat(ids)), gather_rows_to_first(torch.cat(parts))
    return None if all_ids is None or embeddings is None else embeddings[all_ids.argsort()]
