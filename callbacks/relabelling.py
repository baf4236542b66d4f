"""What a re-labelling leaves to whoever wants to know: a table, a panel, a picture.

Shapes: S sentences, C chunks, D embedding size, Q clusters.
"""

from dataclasses import dataclass

import pytorch_lightning as pl
from torch import Tensor


@dataclass(frozen=True)
class Relabelling:
    """One clustering of one set, made for the pass that is about to begin."""

    pass_index: int
    set_name: str
    num_clusters: int
    """Q."""
    labels: Tensor
    """(S, C) in [0, Q), on the CPU."""
    previous: Tensor | None
    """(S, C) of the same set's clustering before; None for the first."""
    embeddings: Tensor | None
    """(S, C, D) float32 on the CPU, in the first process; None in the others."""
    inertia: float
    """Sum of squared distances to the nearest centroid."""
    reseeded: int
    """Clusters that were empty and were given half of the largest each."""
    largest: int
    """Chunks of the largest cluster before it gave any away."""
    effective_size: float
    """How many equally likely draws the pass's draw by these clusters is worth (Kish 1965)."""
    seconds: float
    """That embedding and clustering took."""


class RelabellingListener(pl.Callback):
    """A callback that is told of every re-labelling, by all processes, before the pass's first batch.

    Listeners read: what they are told is the training's own, and must not be changed. The order in which they are
    told is that of the trainer's callbacks.
    """

    decides_outcome = False
    """Whether a run with this callback is another run than one without."""

    def on_relabelling(self, trainer: pl.Trainer, pl_module: pl.LightningModule, made: Relabelling) -> None:
        """Look at it."""
