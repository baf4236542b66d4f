"""Named emotions: which of several categories a sentence expresses.

Shapes: B sentences of a batch, S of a set, C chunks, K categories; there is one output a category, and one label, the
category's number.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score
from torch import Tensor
from torch.nn import functional as F

from datamodules.errors import DataError
from datamodules.labels import EMOTION
from sermodels.arguments import one_of
from sermodels.functional import at_least_float32, mean_over_chunks
from sermodels.tasks.task import Task
from sermodels.whole_batch import of_whole_batch

CRITERIA = ("uar", "accuracy", "f1_macro", "f1_weighted")
CLASS_WEIGHTS = ("none", "balanced")
OUTPUTS = ("softmax", "one_vs_rest")
# What a corpus writes where raters named no category of its list, or did not agree on one.
NO_CATEGORY = ("", "other", "no agreement")
PLACEHOLDER = ("one", "another")  # until Train has told the classes


class Categories(Task):
    """Classification over chunks by cross-entropy; a sentence has the mean of its chunks' probabilities.

    output: `softmax`, one choice among all; `one_vs_rest`, a yes or no for each category (Pereira et al. 2018 speak of
        both), whose probabilities are brought to a sum of 1 to be told.
    classes: the categories, in the order of the outputs; None takes those of the labelled Train set, by name.
    class_weights: of the cross-entropy: `none`, or `balanced`, n / (K n_k), so that every class weighs the same.
    criterion: the development set's uar (unweighted average recall), accuracy, f1_macro or f1_weighted.
    counts: Train's sentences of each class; None until Train has been seen.
    """

    label = "categories"
    loss_name = "cross_entropy"
    headline = "uar"
    criterion_mode = "max"
    scores = CRITERIA

    def __init__(
        self,
        classes: Sequence[str] | None = None,
        class_weights: str = "none",
        criterion: str = "uar",
        output: str = "softmax",
        counts: Sequence[int] | None = None,
    ) -> None:
        named = isinstance(classes, list | tuple) and all(isinstance(one, str) for one in classes)
        if classes is not None and (not named or len(set(classes)) < max(2, len(classes))):
            raise ValueError(f"classes are two names or more, each once, not {classes!r}")
        one_of("class_weights", class_weights, CLASS_WEIGHTS)
        one_of("criterion", criterion, CRITERIA)
        one_of("output", output, OUTPUTS)
        self.given = classes
        self.classes = tuple(classes or PLACEHOLDER)
        self.num_outputs = len(self.classes)
        self.output_names = ("category", *(f"p_{name}" for name in self.classes))
        self.class_weights, self.criterion, self.output = class_weights, criterion, output
        self.counts = counts

    def fitted(self, train: pd.DataFrame, where: str) -> dict[str, Any]:
        """Train's classes and how often each occurs. Raises DataError for fewer than two, or a class without any."""
        counts = train[EMOTION].value_counts()
        named = sorted(str(name) for name in counts.index if name not in NO_CATEGORY)
        classes = named if self.given is None else list(self.given)
        if missing := [name for name in classes if name not in named]:
            raise DataError(
                f"{where}: no training sentence is of {', '.join(missing)}; choose task.classes among "
                f"{', '.join(named) or 'none'}."
            )
        if len(classes) < 2:
            raise DataError(
                f"{where}: the training sentences have {len(classes)} categories of emotion "
                f"({', '.join(classes) or 'none is named'}); classification needs two."
            )
        return {"classes": classes, "counts": [int(counts[name]) for name in classes]}

    def encode(self, table: pd.DataFrame) -> Tensor:
        """(S, 1) number of each sentence's category; NaN for one that is none of the classes."""
        numbers = table[EMOTION].map({name: number for number, name in enumerate(self.classes)})
        return torch.tensor(numbers.to_numpy(dtype="float32"))[:, None]

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy, the mean over all chunks of the batch (weighted by their classes) that have a category."""
        labels = of_whole_batch(labels)[:, 0]
        logits = of_whole_batch(at_least_float32(outputs))
        rated = ~labels.isnan()
        if not rated.any():
            return logits.sum() * 0
        targets = labels[rated].long()[:, None].expand(-1, logits.shape[1]).flatten()
        chunks, weights = logits[rated].flatten(0, 1), self._weights(logits)
        if self.output == "softmax":
            return F.cross_entropy(chunks, targets, weights)
        yes = F.one_hot(targets, self.num_outputs).to(chunks.dtype)
        of_chunks = F.binary_cross_entropy_with_logits(chunks, yes, reduction="none").mean(1)
        if weights is None:
            return of_chunks.mean()
        return (of_chunks * weights[targets]).sum() / weights[targets].sum()

    def _weights(self, like: Tensor) -> Tensor | None:
        if self.class_weights == "none" or self.counts is None:
            return None
        return like.new_tensor([sum(self.counts) / (len(self.counts) * count) for count in self.counts])

    def of_sentences(self, outputs: Tensor) -> Tensor:
        """(B, C, K) logits -> (B, K) mean probabilities."""
        return mean_over_chunks(self._probabilities(outputs))

    def _probabilities(self, outputs: Tensor) -> Tensor:
        outputs = at_least_float32(outputs)
        if self.output == "softmax":
            return outputs.softmax(-1)
        yes = outputs.sigmoid()
        return yes / yes.sum(-1, keepdim=True)

    def validation(self, outputs: Tensor, labels: Tensor) -> Mapping[str, Tensor]:
        """All of CRITERIA, of sentences."""
        told = self.of_sentences(outputs).argmax(-1).numpy(force=True)
        true = labels[:, 0].numpy(force=True)
        rated = ~np.isnan(true)
        found = _scores(true[rated].astype(int), told[rated])
        return {name: torch.tensor(found[name], dtype=torch.float64) for name in self.scores}

    def table(self, outputs: Tensor, table: pd.DataFrame) -> pd.DataFrame:
        """utterance_id, speaker, truth, prediction (names), and `p_<class>`, the probability of each class.

        The truth is the corpus's own word, one that is none of the classes too; empty where it names no category.
        """
        told = [self.classes[number] for number in outputs.argmax(-1).tolist()]
        known = table[EMOTION].where(~table[EMOTION].isin(NO_CATEGORY), "")
        probabilities = outputs.double().numpy()
        return pd.DataFrame(
            {
                "utterance_id": table["utterance_id"].astype(str),
                "speaker": table["speaker"].astype(str),
                "truth": known.astype(str),
                "prediction": told,
                **{f"p_{name}": probabilities[:, column] for column, name in enumerate(self.classes)},
            }
        )

    def score(self, predictions: pd.DataFrame) -> dict[str, Any]:
        """`n`, accuracy, uar, chance, f1 (macro, weighted), recall and f1 of each class that occurs, and the confusion.

        chance: the accuracy of who always tells the commonest class, and the UAR of who does not listen.
        f1_of_class: one class against the rest.
        n: sentences of one of the classes; `n_other_classes`, where there are any, those of categories that the model
        was not taught, which are in no score. confusion: `classes`, and `counts` with a row a true class and a column
        a predicted one. A set without any sentence of the classes has no scores.
        """
        known = predictions["truth"].isin(self.classes)
        others = int((~known & (predictions["truth"] != "")).sum())
        counted = {"n": int(known.sum())} | ({"n_other_classes": others} if others else {})
        rated = predictions[known]
        if rated.empty:
            return counted
        found = _scores(rated["truth"].to_numpy(str), rated["prediction"].to_numpy(str))
        present = [name for name in self.classes if (rated["truth"] == name).any()]
        each: dict[str, Any] = {"labels": present, "average": None, "zero_division": 0}
        recall = recall_score(rated["truth"], rated["prediction"], **each)
        f1 = f1_score(rated["truth"], rated["prediction"], **each)
        return {
            **counted,
            "accuracy": found["accuracy"],
            "uar": found["uar"],
            "f1": {"macro": found["f1_macro"], "weighted": found["f1_weighted"]},
            "chance": {"accuracy": float(rated["truth"].value_counts(normalize=True).max()), "uar": 1 / len(present)},
            "recall": dict(zip(present, map(float, recall), strict=True)),
            "f1_of_class": dict(zip(present, map(float, f1), strict=True)),
            "confusion": {
                "classes": list(self.classes),
                "counts": confusion_matrix(rated["truth"], rated["prediction"], labels=self.classes).tolist(),
            },
        }

    def score_chunks(self, outputs: Tensor, labels: Tensor) -> dict[str, Any]:
        """`n_chunks`, and of single chunks accuracy, uar, and f1, under `chunks`."""
        true = labels[:, :1].expand(-1, outputs.shape[1])
        rated = ~(true.isnan() | outputs.isnan().any(-1))
        found = _scores(true[rated].long().numpy(), outputs[rated].argmax(-1).numpy())
        if not rated.any():
            return {}
        f1 = {"macro": found["f1_macro"], "weighted": found["f1_weighted"]}
        return {
            "n_chunks": int(rated.sum()),
            "chunks": {"accuracy": found["accuracy"], "uar": found["uar"], "f1": f1},
        }

    def objective(self, score: Mapping[str, Any]) -> float:
        """The unweighted average recall."""
        return float(score.get("uar", float("nan")))

    def tell(self, outputs: Tensor) -> list[dict[str, float | str]]:
        """The likeliest category, and the probability of each."""
        names = self.output_names[1:]
        return [
            {"category": self.classes[max(range(len(row)), key=row.__getitem__)], **dict(zip(names, row, strict=True))}
            for row in outputs.tolist()
        ]

    def label_kind(self, corpus_kind: str) -> str:
        """Categories are named by the corpus itself, whatever its attributes are."""
        return "named emotions"


def _scores(truth: np.ndarray, told: np.ndarray) -> dict[str, float]:
    """All of CRITERIA. Recall and F1 are averaged over the classes that occur in the truth."""
    if not len(truth):
        return dict.fromkeys(CRITERIA, float("nan"))
    present = np.unique(truth)
    options: dict[str, Any] = {"labels": present, "zero_division": 0}
    return {
        "uar": float(recall_score(truth, told, average="macro", **options)),
        "accuracy": float(accuracy_score(truth, told)),
        "f1_macro": float(f1_score(truth, told, average="macro", **options)),
        "f1_weighted": float(f1_score(truth, told, average="weighted", **options)),
    }
