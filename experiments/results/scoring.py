"""What a model tells of whole sets, and the numbers made of it."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from datamodules.datamodule import ChunkDataModule
from datamodules.errors import TrainingDiverged
from datamodules.processes import rank
from datamodules.whole_files import whole_file
from datamodules.whole_set import over_set
from experiments.results.confusion import draw_confusion
from sermodels.module import EmotionModule

log = logging.getLogger(__name__)


def tell_set(model: EmotionModule, data: ChunkDataModule, set_name: str) -> Tensor:
    """The model's outputs for every chunk of a set, (S, C, O), in fp32; NaN for chunks that a sentence does not have.

    Raises TrainingDiverged for predictions that are no numbers.
    """
    model.eval()
    outputs = over_set(data.in_order(set_name, model.device, model.dtype), data.size(set_name), model.of_chunks)
    assert outputs is not None  # asked for everywhere
    if not torch.isfinite(model.task.of_sentences(outputs)).all():
        raise TrainingDiverged(
            f"predictions of {set_name} are not numbers: the training has diverged; lower its rates."
        )
    return outputs


def predict_set(model: EmotionModule, data: ChunkDataModule, set_name: str) -> pd.DataFrame:
    """Truth and prediction of every sentence of a set, as the model's task tells them."""
    return model.task.table(model.task.of_sentences(tell_set(model, data, set_name)), data.sets[set_name].table)


def score_sets(
    model: EmotionModule, data: ChunkDataModule, set_names: Sequence[str], directory: Path
) -> dict[str, dict[str, Any]]:
    """Score every set and write its `predictions-<set>.parquet`, of categories also a picture of the confusion."""
    scores = {}
    for name in set_names:
        outputs, one = tell_set(model, data, name), data.sets[name]
        predictions = model.task.table(model.task.of_sentences(outputs), one.table)
        scores[name] = model.task.score(predictions) | model.task.score_chunks(outputs, one.labels.cpu())
        if rank() == 0:
            for doubt in model.task.doubts(predictions):
                log.warning("%s: %s; the training may have diverged: lower the learning rates", name, doubt)
            with whole_file(directory / f"predictions-{name}.parquet") as draft:
                predictions.to_parquet(draft, index=False)
            if "confusion" in scores[name]:
                draw_confusion(scores[name]["confusion"], directory / f"confusion-{name}.png")
    return scores
