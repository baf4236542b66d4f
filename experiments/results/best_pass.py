"""Which pass of a run its result comes from."""

import pandas as pd

from datamodules.batch import LABELED
from datamodules.errors import DataError
from sermodels.tasks.task import Task


def best_pass(history: pd.DataFrame, task: Task) -> int:
    """The pass whose model was kept: the first of those with the best criterion. history: see RunResult.history."""
    if f"validation/{task.criterion}" not in history or not (history["set"] == LABELED).any():
        raise DataError(f"its history tells of no development set's {task.criterion}; train the run anew.")
    column = history[f"validation/{task.criterion}"]
    best = column.max() if task.criterion_mode == "max" else column.min()
    # Where none is defined, as for constant predictions, the first model was kept.
    kept = column == best if column.notna().any() else history["set"] == LABELED
    return int(history.loc[kept, "pass"].iloc[0])
