"""A toy: is a sentence more aroused than half of Train? What the smallest task looks like.

Shapes: B sentences of a batch, S of a set, C chunks; one output, the logit, and one label, 0 or 1.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from sermodels.tasks.task import Task
from sermodels.whole_batch import of_whole_batch


class High(Task):
    """threshold: Train's median rating; None until Train has been seen."""

    label, loss_name, num_outputs = "high", "cross_entropy", 1
    scores, headline, criterion, criterion_mode = ("accuracy",), "accuracy", "accuracy", "max"
    output_names = ("p_high",)

    def __init__(self, threshold: float | None = None) -> None:
        self.threshold = threshold or 0.0

    def fitted(self, train: pd.DataFrame, where: str) -> dict[str, Any]:
        return {"threshold": float(train["arousal"].median())}

    def encode(self, table: pd.DataFrame) -> Tensor:
        high = (table["arousal"] > self.threshold).astype("float32").where(table["arousal"].notna())
        return torch.tensor(high.to_numpy())[:, None]

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        logits, labels = of_whole_batch(outputs), of_whole_batch(labels)
        return F.binary_cross_entropy_with_logits(logits, labels[:, None].expand_as(logits))

    def of_sentences(self, outputs: Tensor) -> Tensor:
        return outputs.sigmoid().mean(1)

    def validation(self, outputs: Tensor, labels: Tensor) -> Mapping[str, Tensor]:
        return {"accuracy": ((self.of_sentences(outputs) > 0.5) == (labels > 0.5)).double().mean()}

    def table(self, outputs: Tensor, table: pd.DataFrame) -> pd.DataFrame:
        truth = self.encode(table)[:, 0].numpy()
        return pd.DataFrame(
            {"utterance_id": table["utterance_id"], "truth": truth, "prediction": outputs[:, 0].numpy()}
        )

    def score(self, predictions: pd.DataFrame) -> dict[str, Any]:
        right = (predictions["prediction"] > 0.5) == (predictions["truth"] > 0.5)
        return {"n": len(right), "accuracy": float(right.mean())}

    def objective(self, score: Mapping[str, Any]) -> float:
        return float(score["accuracy"])

    def tell(self, outputs: Tensor) -> list[dict[str, float | str]]:
        return [{"p_high": float(p)} for p in outputs[:, 0]]

    def label_kind(self, corpus_kind: str) -> str:
        return f"halves of {corpus_kind}"
