"""What a model tells of whole sets, and the numbers made of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from datamodules.datamodule import ChunkDataModule
from datamodules.errors import TrainingDiverged
from datamodules.processes import rank
from datamodules.whole_set import over_set
from sermodels.module import EmotionModule


def predict_set(model: EmotionModule, data: ChunkDataModule, set_name: str) -> pd.DataFrame:
    """Truth and prediction of every sentence of a set, as the model's task tells them, in fp32.

    Raises TrainingDiverged for predictions that are no numbers.
    """
    model.eval()
    outputs = over_set(data.in_order(set_name, model.device, model.dtype), model)
    assert outputs is not None  # asked for everywhere
    if not torch.isfinite(outputs).all():
        raise TrainingDiverged(
            f"predictions of {set_name} are not numbers: the training has diverged; lower its rates."
        )
    return model.task.table(outputs, data.sets[set_name].table)


def score_sets(
    model: EmotionModule, data: ChunkDataModule, set_names: Sequence[str], directory: Path
) -> dict[str, dict[str, Any]]:
    """Score every set and write its `predictions-<set>.parquet`."""
    scores = {}
    for name in set_names:
        predictions = predict_set(model, data, name)
        if rank() == 0:
            predictions.to_parquet(directory / f"predictions-{name}.parquet", index=False)
        scores[name] = model.task.score(predictions)
    return scores
