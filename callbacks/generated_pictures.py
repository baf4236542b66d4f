"""What a generative model makes of speech, for the eye: reconstructions and samples; and a word when samples collapse.

Shapes: N chunks, T frames, F bins.
"""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import pytorch_lightning as pl
import torch
from torch import Tensor

from callbacks.protocols import Generative, SetData

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)

SHOWN = 8
# Samples that lie this much nearer to each other than real pieces do are as good as all alike.
COLLAPSED = 0.1


class GeneratedPictures(pl.Callback):
    """Writes pictures/pass-NNN.png: pieces of the development set, their reconstructions, and samples.

    every: passes; the last one is always shown; 0 writes none. A warning says after which pass G's samples were
    nearly all alike (see COLLAPSED), which M_global does not show.
    Raises ValueError for fewer than 0.
    """

    decides_outcome = False

    def __init__(self, directory: Path, every: int = 10) -> None:
        if every < 0:
            raise ValueError(f"every is a whole number 0 or more, not {every!r}")
        self.directory = Path(directory) / "pictures"
        self.every = every

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """After the scores are known."""
        data: SetData = trainer.datamodule  # type: ignore[attr-defined]
        model: Generative = pl_module  # type: ignore[assignment]
        self._warn(trainer)
        number = trainer.current_epoch + 1
        due = self.every and (number % self.every == 0 or number == trainer.max_epochs)
        if not (due and trainer.is_global_zero):
            return
        batch = next(iter(data.in_order("development", model.device, model.dtype)))
        real = batch.chunks.flatten(0, 1)
        real = real[~real[:, 0, 0].isnan()][:SHOWN]
        with torch.no_grad(), torch.autocast(model.device.type, enabled=False):
            rows = {
                "speech": real,
                "reconstructed": model.reconstruct(real),
                "generated": model.generate(model.panel()),
            }
        path = self.directory / f"pass-{number:03}.png"
        draw(rows, path)
        for logger in trainer.loggers:
            if hasattr(logger, "log_picture"):
                logger.log_picture("pictures", path)

    def _warn(self, trainer: pl.Trainer) -> None:
        scores = trainer.callback_metrics
        distance, real = float(scores["validation/distance"]), float(scores["validation/real_distance"])
        if distance < COLLAPSED * real:
            log.warning(
                "pass %d: the generator's samples are nearly all alike (mean distance %.4f, of real pieces %.4f), "
                "which M_global does not show",
                trainer.current_epoch,
                distance,
                real,
            )


def draw(rows: dict[str, Tensor], path: Path) -> None:
    """Write `generated_figure` as a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    generated_figure(rows).savefig(path, dpi=80)


def generated_figure(rows: dict[str, Tensor]) -> "Figure":
    """A picture a chunk (T, F), a line a row, of at most SHOWN; time goes to the right, frequency up."""
    from matplotlib.figure import Figure

    rows = {name: chunks[:SHOWN].float().cpu() for name, chunks in rows.items()}
    most = max(len(chunks) for chunks in rows.values())
    figure = Figure(figsize=(1.3 * most, 2.0 * len(rows)), layout="constrained")
    places = figure.subplots(len(rows), most, squeeze=False)
    for line, (name, chunks) in zip(places, rows.items(), strict=True):
        for place in line:
            place.set_xticks([])
            place.set_yticks([])
        for place, chunk in zip(line, chunks, strict=False):
            place.imshow(chunk.T.numpy(), origin="lower", aspect="auto", cmap="magma")
        line[0].set_ylabel(name)
    return figure
