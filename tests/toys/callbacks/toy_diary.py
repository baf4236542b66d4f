"""A toy: a line a re-labelling. What the smallest listener looks like."""

from pathlib import Path

import pytorch_lightning as pl

from callbacks.relabelling import Relabelling, RelabellingListener


class Diary(RelabellingListener):
    """directory: the run's. greeting: what a line begins with."""

    def __init__(self, directory: Path, greeting: str = "pass") -> None:
        self.file, self.greeting = Path(directory) / "diary.txt", greeting

    def on_relabelling(self, trainer: pl.Trainer, pl_module: pl.LightningModule, made: Relabelling) -> None:
        if trainer.is_global_zero:
            with self.file.open("a") as file:
                file.write(f"{self.greeting} {made.pass_index}: {made.set_name} in {made.num_clusters}\n")
