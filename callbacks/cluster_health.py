"""Numbers that tell whether a clustering is alive, and clusters.csv, which keeps them.

Shapes: S sentences, C chunks, Q clusters.
"""

import logging
import math
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from callbacks.agreement import agreement, agreement_with, transition_ratio
from callbacks.csv_table import CsvTable
from callbacks.protocols import ClusteredData
from callbacks.relabelling import Relabelling, RelabellingListener

log = logging.getLogger(__name__)

FACTS = (
    "speaker",
    "gender",
    "recording",
    "emotion",
    "arousal",
    "dominance",
    "valence",
    "duration",
    "loudness",
)
COLUMNS = (
    "pass",
    "set",
    "clusters",
    "smallest",
    "largest",
    "entropy",
    "reseeded",
    "effective_size",
    "nmi_to_previous",
    "inertia",
    "sizes",
    "transitions",
    "transitions_shorter",
    "transitions_longer",
    "transitions_apart",
    *(f"{measure}_{fact}" for fact in FACTS for measure in ("nmi", "ami")),
    "seconds",
)

LOGGED = tuple(name for name in COLUMNS if name not in ("pass", "set", "sizes", "seconds"))
"""Columns that loggers get, too, as `U/clusters/entropy`."""
# An effective sample size below this share of the sentences is worth a warning.
FEW = 0.1
# A cluster with more than this share of all chunks is no cluster.
COLLAPSED = 0.95


class ClusterHealth(RelabellingListener):
    """Writes clusters.csv, a row a re-labelling, logs its numbers, and warns of clusters that are empty or hold all.

    What clusters hold stands in it too: their normalised and adjusted mutual information with what is known of the
    chunks, and how often neighbours are in different ones, also of those that do not overlap.

    directory: the run's.
    """

    def __init__(self, directory: Path) -> None:
        self.clusters_csv = CsvTable(Path(directory) / "clusters.csv", COLUMNS)
        self._mostly_empty: dict[str, int] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """A resumed run goes on with the rows of the passes it has done."""
        if trainer.is_global_zero:
            self.clusters_csv.cut_back(trainer.current_epoch)

    def on_relabelling(self, trainer: pl.Trainer, pl_module: pl.LightningModule, made: Relabelling) -> None:
        """Add its row."""
        if not trainer.is_global_zero:
            return
        if made.reseeded:
            log.warning(
                "pass %d: %d of %d clusters of %s were empty and got half of the largest one each",
                made.pass_index,
                made.reseeded,
                made.num_clusters,
                made.set_name,
            )
        if made.effective_size < FEW * made.labels.shape[0]:
            log.warning(
                "pass %d: clusters of %s are so uneven that the draw by them is worth %.0f equal draws: the same "
                "few are read again and again; lower num_clusters, or take a natural sampler",
                made.pass_index,
                made.set_name,
                made.effective_size,
            )
        self._warn_of_collapse(made)
        row = _row(made) | _meaning(made, trainer.datamodule)  # type: ignore[attr-defined]
        self.clusters_csv.append(row)
        for name in LOGGED:
            if row.get(name) is not None:
                # A curve a set, as of losses; the other processes do not know it.
                pl_module.log(
                    f"{made.set_name}/clusters/{name}",
                    float(row[name]),
                    on_step=False,
                    on_epoch=True,
                    batch_size=1,
                    rank_zero_only=True,
                )

    def _warn_of_collapse(self, made: Relabelling) -> None:
        """Clusters that hold all or nothing teach nothing."""
        if made.largest > COLLAPSED * made.labels.numel():
            log.warning(
                "pass %d: one of %d clusters of %s holds %d of its %d chunks: they have collapsed, and teach nothing; "
                "lower the learning rates or num_clusters, and look whether the recordings differ",
                made.pass_index,
                made.num_clusters,
                made.set_name,
                made.largest,
                made.labels.numel(),
            )
        mostly_empty = 2 * made.reseeded > made.num_clusters
        self._mostly_empty[made.set_name] = self._mostly_empty.get(made.set_name, 0) + 1 if mostly_empty else 0
        if self._mostly_empty[made.set_name] >= 2:
            log.warning(
                "pass %d: %d of %d clusters of %s were used, for the %d. time in a row fewer than half: embeddings are "
                "nearly alike; lower num_clusters or the learning rates",
                made.pass_index,
                made.num_clusters - made.reseeded,
                made.num_clusters,
                made.set_name,
                self._mostly_empty[made.set_name],
            )


def _row(made: Relabelling) -> dict[str, Any]:
    sizes = torch.bincount(made.labels.flatten(), minlength=made.num_clusters)
    return {
        "pass": made.pass_index,
        "set": made.set_name,
        "clusters": made.num_clusters,
        "smallest": int(sizes.min()),
        "largest": int(sizes.max()),
        "entropy": round(cluster_entropy(made.labels, made.num_clusters), 6),
        "reseeded": made.reseeded,
        "effective_size": round(made.effective_size, 1),
        "nmi_to_previous": agreement(made.labels, made.previous),
        "inertia": made.inertia,
        "sizes": " ".join(map(str, sizes.tolist())),
        "seconds": round(made.seconds, 3),
    }


def _meaning(made: Relabelling, data: ClusteredData) -> dict[str, Any]:
    """What the clusters have to do with the facts that are known, and with time."""
    facts = data.facts(made.set_name)
    duration = facts["duration"][:, 0]
    longer = duration > duration.median()
    row: dict[str, Any] = {
        "transitions": transition_ratio(made.labels),
        "transitions_shorter": transition_ratio(made.labels[~longer]),
        "transitions_longer": transition_ratio(made.labels[longer]),
        "transitions_apart": transition_ratio(made.labels, data.apart(made.set_name)),
    }
    for fact, codes in facts.items():
        row[f"nmi_{fact}"], row[f"ami_{fact}"] = agreement_with(made.labels, codes) or (None, None)
    return row


def cluster_entropy(labels: Tensor, num_clusters: int) -> float:
    """Entropy of the cluster sizes as a fraction of log Q: 1 is even, 0 is one cluster that holds everything.

    >>> cluster_entropy(torch.tensor([[0, 1], [1, 0]]), 2)
    1.0
    """
    if num_clusters < 2:
        return 0.0
    share = torch.bincount(labels.flatten(), minlength=num_clusters).double() / labels.numel()
    return float(torch.special.entr(share).sum() / math.log(num_clusters))
