"""Scores of named emotions: of a whole set, and of speakers drawn again and again.

Accuracy, recall and F1 need the confusion matrix alone, and matrices add up over speakers.

Shapes: N sentences, K classes, speakers' sums (…, K K): row after row a true class, in it a place a predicted one.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from datamodules import labels
from experiments.report.concordance import NOBODY, Array

CATEGORIES = "categories"
"""What stands in an attribute's place."""
CATEGORY_MEASURES = ("accuracy", "uar", "f1_macro", "f1_weighted")


@dataclass(frozen=True)
class CategoryPredictions:
    """What one training told of a test set."""

    truth: NDArray[np.int64]
    """(N,) number of the class."""
    prediction: NDArray[np.int64]
    """(N,)"""
    classes: tuple[str, ...]
    speakers: NDArray[np.str_]
    """(N,) who speaks; a sentence of nobody known is a speaker of its own."""

    @classmethod
    def of_table(cls, table: pd.DataFrame) -> "CategoryPredictions":
        """Of predictions-<set>.parquet; sentences of no class that the model was taught are left out."""
        classes = tuple(name.removeprefix("p_") for name in table.columns if name.startswith("p_"))
        rated = table[table["truth"].isin(classes)]
        number = {name: place for place, name in enumerate(classes)}
        speaker, ids = rated["speaker"].fillna("").astype(str), rated["utterance_id"].astype(str).to_numpy(object)
        return cls(
            np.array([number[name] for name in rated["truth"]], dtype=np.int64),
            np.array([number[name] for name in rated["prediction"]], dtype=np.int64),
            classes,
            np.where(speaker.isin(labels.NOBODY), NOBODY + ids, speaker.to_numpy(object)).astype(str),
        )

    def measured(self, measure: str) -> "MeasuredCategories":
        """The same, judged by one of CATEGORY_MEASURES."""
        return MeasuredCategories(self, measure)


@dataclass(frozen=True)
class MeasuredCategories:
    """Predictions and what they are judged by."""

    told: CategoryPredictions
    measure: str

    @property
    def value(self) -> float:
        """Of all sentences."""
        return float(self.of_sums(sum(self.by_speaker().values(), np.zeros(len(self.told.classes) ** 2))))

    @property
    def of_parts(self) -> list[float]:
        """None: the papers cut the test sets of attributes alone."""
        return []

    def by_speaker(self) -> dict[str, Array]:
        """(K K,) counts of each speaker."""
        told, count = self.told, len(self.told.classes)
        names, place = np.unique(told.speakers, return_inverse=True)
        sums = np.zeros((len(names), count * count))
        np.add.at(sums, (place, told.truth * count + told.prediction), 1.0)
        return dict(zip(names.tolist(), sums, strict=True))

    def of_sums(self, sums: Array) -> Array:
        """(…, K K) -> (…) the measure; recall and F1 are averaged over the classes that occur."""
        count = len(self.told.classes)
        confusion = sums.reshape(*sums.shape[:-1], count, count)
        hits = np.diagonal(confusion, axis1=-2, axis2=-1)
        true, said = confusion.sum(-1), confusion.sum(-2)
        with np.errstate(invalid="ignore", divide="ignore"):
            if self.measure == "accuracy":
                return hits.sum(-1) / true.sum(-1)
            if self.measure == "uar":
                return np.nanmean(hits / true, axis=-1)
            f1 = 2 * hits / (true + said)
            weights = true if self.measure == "f1_weighted" else (true > 0).astype(float)
            return np.where(true > 0, f1 * weights, 0.0).sum(-1) / weights.sum(-1)
