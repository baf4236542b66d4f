"""What is being clustered, for the eye: a set's embeddings on two axes, coloured by cluster.

Shapes: S sentences, C chunks, D embedding size, N points shown.
"""

import logging
from pathlib import Path

import pytorch_lightning as pl
from torch import Tensor

from callbacks.relabelling import Relabelling, RelabellingListener
from callbacks.two_axes import on_two_axes

log = logging.getLogger(__name__)

SHOWN = 1_000  # chunks; a t-SNE of them takes a few seconds


class EmbeddingPictures(RelabellingListener):
    """Writes pictures/embeddings-SET-pass-NNN.png, a t-SNE of at most SHOWN chunks.

    every: re-labellings of a set between two pictures; the first has one. Raises ValueError for fewer than 1.
    """

    def __init__(self, directory: Path, every: int = 10) -> None:
        if every < 1:
            raise ValueError(f"every is a whole number 1 or more, not {every!r}")
        self.directory = Path(directory) / "pictures"
        self.every = every

    def on_relabelling(self, trainer: pl.Trainer, pl_module: pl.LightningModule, made: Relabelling) -> None:
        """Draw it, where it is due."""
        passes = list(trainer.datamodule.passes)  # type: ignore[attr-defined]
        before = passes[: made.pass_index].count(made.set_name)
        if before % self.every or made.embeddings is None:
            return
        path = self.directory / f"embeddings-{made.set_name}-pass-{made.pass_index:03}.png"
        draw_embeddings(made.embeddings, made.labels, f"{made.set_name}, before pass {made.pass_index}", path)
        for logger in trainer.loggers:
            if hasattr(logger, "log_picture"):
                logger.log_picture(f"{made.set_name}/embeddings", path)


def draw_embeddings(embeddings: Tensor, labels: Tensor, title: str, path: Path) -> None:
    """(S, C, D), (S, C) -> a picture. The same chunks are shown every time."""
    from matplotlib.figure import Figure

    points, clusters = embeddings.flatten(0, 1).float().numpy(), labels.flatten().numpy()
    found = on_two_axes(points, SHOWN, seed=0)
    if found is None:
        log.warning("%s: too few unlike embeddings for a picture", title)
        return
    shown, flat = found
    figure = Figure(figsize=(6, 5.5), layout="constrained")
    place = figure.subplots()
    drawn = place.scatter(flat[:, 0], flat[:, 1], c=clusters[shown], cmap="viridis", s=10)
    figure.colorbar(drawn, label="cluster")
    place.set(title=f"{title}, {len(shown)} of {len(points)} chunks", xticks=[], yticks=[])
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
