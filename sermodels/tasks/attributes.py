"""Emotional attributes: arousal, dominance, valence on the corpus's scale of 1 to 7.

Shapes: B sentences of a batch, S of a set, C chunks, A attributes; there is one output an attribute.
"""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from datamodules.errors import DataError
from datamodules.labels import ATTRIBUTES, SCALE
from sermodels.arguments import one_of
from sermodels.functional import CCC_VARIANCES, defined_concordance, mean_over_chunks
from sermodels.losses import ccc_loss
from sermodels.metrics import BatchedChunkLoss, ConcordanceCorrelation
from sermodels.tasks.task import Task

CRITERIA = {"ccc": "max", "chunk_loss": "min"}


class Attributes(Task):
    """Regression of one attribute, or of all three, trained and judged by the CCC (Lin et al. 2021, eq. 3).

    Models learn z-normalised ratings; what people see is on the corpus's scale [released].

    attribute: arousal, dominance, valence, several of them as in arousal+valence, or all.
    ccc_variance: of the loss, see sermodels.functional.concordance; scores always have Lin's.
    criterion: `ccc` of the development set, or `chunk_loss`, the released programs' (see BatchedChunkLoss).
    scale: attribute -> {"mean", "std"} of Train's ratings; None leaves the values as they are.
    """

    loss_name = "ccc"
    headline = "ccc"

    def __init__(
        self,
        attribute: str = "arousal",
        ccc_variance: str = "population",
        criterion: str = "ccc",
        scale: Mapping[str, Mapping[str, float]] | None = None,
    ) -> None:
        names = ATTRIBUTES if attribute == "all" else tuple(str(attribute).split("+"))
        if not set(names) <= set(ATTRIBUTES) or len(set(names)) < len(names):
            raise ValueError(
                f"attribute is one of {', '.join(ATTRIBUTES)}, several as in arousal+valence, or all, not {attribute!r}"
            )
        one_of("ccc_variance", ccc_variance, CCC_VARIANCES)
        one_of("criterion", criterion, tuple(CRITERIA))
        self.label = attribute
        self.names = names
        self.output_names = self.names
        self.num_outputs = len(self.names)
        self.ccc_variance = ccc_variance
        self.criterion, self.criterion_mode = criterion, CRITERIA[criterion]
        self.scores = (*(f"ccc_{name}" for name in self.names), "ccc", "chunk_loss")
        self.scale = scale or {name: {"mean": 0.0, "std": 1.0} for name in self.names}

    def fitted(self, train: pd.DataFrame, where: str) -> dict[str, Any]:
        """Mean and population deviation of Train's ratings. Raises DataError where they are all the same."""
        ratings = train[list(self.names)].astype(float)
        scale = {
            name: {"mean": float(ratings[name].mean()), "std": float(ratings[name].std(ddof=0))} for name in self.names
        }
        for name, one in scale.items():
            if math.isnan(one["mean"]):
                raise DataError(
                    f"{where}: no training sentence has a rating of {name}; choose another attribute, or another task."
                )
            if not one["std"] > 0:
                raise DataError(
                    f"{where}: all training sentences have the same {name}, {one['mean']:g}; "
                    "nothing can be learnt from constant labels."
                )
        return {"scale": scale}

    def can_learn_from(self, train: pd.DataFrame) -> pd.Series:
        """Those that are rated in every attribute: one NaN would make a whole batch's CCC another."""
        return train[list(self.names)].notna().all(axis=1)

    def encode(self, table: pd.DataFrame) -> Tensor:
        """(S, A) z-normalised ratings."""
        ratings = torch.tensor(table[list(self.names)].to_numpy(dtype="float32"))
        return (ratings - self._scale("mean")) / self._scale("std")

    def _scale(self, what: str) -> Tensor:
        return torch.tensor([self.scale[name][what] for name in self.names])

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """1 - CCC of all chunks of the batch."""
        return ccc_loss(outputs, labels, self.ccc_variance)

    def of_sentences(self, outputs: Tensor) -> Tensor:
        """The mean over a sentence's chunks (Lin et al. 2021, section 4.1)."""
        return mean_over_chunks(outputs)

    def validation(self, outputs: Tensor, labels: Tensor) -> Mapping[str, Tensor]:
        """CCC of each attribute, their mean, and the released programs' loss."""
        sentences, chunks = ConcordanceCorrelation(), BatchedChunkLoss()
        sentences.update(self.of_sentences(outputs), labels)
        chunks.update(outputs, labels)
        ccc = torch.atleast_1d(sentences.compute())  # torchmetrics squeezes a single value
        each = dict(zip(self.scores, ccc, strict=False))
        return each | {"ccc": ccc.mean(), "chunk_loss": chunks.compute()}

    def table(self, outputs: Tensor, table: pd.DataFrame) -> pd.DataFrame:
        """utterance_id, speaker, attribute, truth, prediction: a row a sentence and attribute."""
        values = self._on_scale(outputs.double()).numpy()
        return pd.concat(
            [
                pd.DataFrame(
                    {
                        "utterance_id": table["utterance_id"].astype(str),
                        "speaker": table["speaker"].astype(str),
                        "attribute": name,
                        "truth": table[name].astype(float),
                        "prediction": values[:, column],
                    }
                )
                for column, name in enumerate(self.names)
            ],
            ignore_index=True,
        )

    def doubts(self, predictions: pd.DataFrame) -> list[str]:
        """Attributes of which more than half lie where no rating does."""
        low, high = SCALE
        doubts = []
        for name, values in predictions.groupby("attribute", sort=False)["prediction"]:
            outside = int((~values.between(low, high)).sum())
            if outside > len(values) / 2:
                doubts.append(
                    f"{outside} of {len(values)} predictions of {name} are out of the scale {low:g} to {high:g}, from "
                    f"{values.min():.3g} to {values.max():.3g}"
                )
        return doubts

    def score(self, predictions: pd.DataFrame) -> dict[str, Any]:
        """`{"n": rated sentences, "ccc": {attribute: CCC}}`; a set without ratings has n 0 and no CCC."""
        rated = predictions[predictions["truth"].notna()]
        ccc = {
            str(name): defined_concordance(
                torch.tensor(rows["prediction"].to_numpy("float64")), torch.tensor(rows["truth"].to_numpy("float64"))
            )
            for name, rows in rated.groupby("attribute", sort=False)
        }
        return {"n": int(rated["utterance_id"].nunique()), "ccc": ccc}

    def objective(self, score: Mapping[str, Any]) -> float:
        """The mean CCC over attributes."""
        values = [math.nan if one is None else one for one in score["ccc"].values()]
        return sum(values) / len(values) if values else math.nan

    def tell(self, outputs: Tensor) -> list[dict[str, float | str]]:
        """Each attribute on the corpus's scale."""
        return [dict(zip(self.names, row, strict=True)) for row in self._on_scale(outputs).tolist()]

    def _on_scale(self, outputs: Tensor) -> Tensor:
        """(…, A) z-normalised -> the corpus's scale."""
        columns = (
            outputs[..., column] * self.scale[name]["std"] + self.scale[name]["mean"]
            for column, name in enumerate(self.names)
        )
        return torch.stack(list(columns), dim=-1)

    def label_kind(self, corpus_kind: str) -> str:
        """As the corpus says: human ratings, proxy attributes …"""
        return corpus_kind
