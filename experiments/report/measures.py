"""Numbers of a finished run that a table may show, by the names that conf/table uses.

ccc               of the test set, from its predictions
development_ccc   of the development set, at the best round
accuracy, uar, f1_macro, f1_weighted    of categories, from its predictions
best_round        the round whose model was kept, from 1
L/…, U/…          a column of clusters.csv: of that set's latest clustering up to the best round
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from datamodules.batch import LABELED
from datamodules.errors import DataError
from datamodules.sets import is_test_set
from experiments.report.concordance import Predictions
from experiments.report.confusion import CATEGORIES, CATEGORY_MEASURES, CategoryPredictions
from experiments.report.definition import CCC
from experiments.report.runs import TableRun
from experiments.results.best_pass import best_pass
from experiments.results.run_result import RunResult
from sermodels.parts import make
from sermodels.tasks.task import Task


@dataclass(frozen=True)
class Finished:
    """A finished run of a table, read once."""

    made: TableRun
    test_set: str | None
    """As the table calls it; None: the corpus's first."""

    @cached_property
    def run(self) -> RunResult:
        """Its directory."""
        assert self.made.run is not None  # it is finished
        return self.made.run

    @cached_property
    def tested_on(self) -> str:
        """The set that is asked for, or the corpus's first, where it calls its sets otherwise. Raises DataError."""
        rated = [name for name, scores in self.run.metrics.test.items() if is_test_set(name) and scores["n"]]
        if not rated:
            raise DataError(f"{self.run.path}: its corpus has no test set with ratings; take another data.root.")
        return self.test_set if self.test_set in rated else rated[0]

    @cached_property
    def predictions(self) -> Predictions | CategoryPredictions:
        """Of the test set, for the cell's attribute."""
        table = self.run.predictions(self.tested_on)
        if self.made.cell.attribute == CATEGORIES:
            return CategoryPredictions.of_table(table)
        return Predictions.of_table(table[table["attribute"] == self.made.cell.attribute])

    @cached_property
    def best_pass(self) -> int:
        """The pass whose model was kept."""
        return best_pass(self._history, make("task", self.made.plan.task, Task))

    @cached_property
    def _history(self) -> pd.DataFrame:
        return self.run.history()

    @cached_property
    def _clusters(self) -> pd.DataFrame:
        return self.run.clusters()

    def value(self, measure: str) -> float:
        """NaN where it is not defined, or not known of this run."""
        if measure == CCC or measure in CATEGORY_MEASURES:
            return self.predictions.measured(measure).value
        if measure == "development_ccc":
            scores: dict[str, Any] = (self.run.metrics.validation or {}).get("ccc", {})
            value = scores.get(self.made.cell.attribute)
            return np.nan if value is None else float(value)
        if measure == "best_round":
            done = self._history[self._history["pass"] <= self.best_pass]
            return float((done["set"] == LABELED).sum())
        set_name, _, column = measure.partition("/")
        if not (self.run.path / "clusters.csv").exists():
            return np.nan
        if column not in self._clusters:  # a run of before it was counted
            return np.nan
        before = self._clusters[(self._clusters["set"] == set_name) & (self._clusters["pass"] <= self.best_pass)]
        return float(before[column].iloc[-1]) if len(before) else np.nan
