"""No labels: how well a model that learns without any tells the speech again.

Shapes: B sentences of a batch, S of a set, C chunks; there is one output, the error of a chunk.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from sermodels.arguments import one_of
from sermodels.functional import mean_over_chunks
from sermodels.tasks.task import Task

SCORES = ("m_global", "reconstruction", "generated", "balance", "distance", "real_distance")


class Reconstruction(Task):
    """Pre-training by BEGAN (Berthelot et al. 2017): outputs are errors, and no label is read.

    Of the scores the model gives those that this task cannot know, see sermodels.began.
    criterion: the best pass is chosen by m_global, or by the reconstruction's error alone.
    """

    label = "unlabeled"
    loss_name = "reconstruction"
    scores = SCORES
    headline = "m_global"
    criterion_mode = "min"
    output_names = ("reconstruction_error",)
    has_labels = False
    num_outputs = 1

    def __init__(self, criterion: str = "m_global") -> None:
        one_of("criterion", criterion, ("m_global", "reconstruction"))
        self.criterion = criterion

    def fitted(self, train: pd.DataFrame, where: str) -> dict[str, Any]:
        """Nothing: Train's labels decide nothing."""
        return {}

    def encode(self, table: pd.DataFrame) -> Tensor:
        """(S, 1) NaN."""
        return torch.full((len(table), 1), torch.nan)

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """The mean error."""
        return outputs.mean()

    def of_sentences(self, outputs: Tensor) -> Tensor:
        """(B, C, 1) -> (B, 1): the mean over the chunks that there are."""
        return mean_over_chunks(outputs)

    def validation(self, outputs: Tensor, labels: Tensor) -> Mapping[str, Tensor]:
        """The mean error over all chunks."""
        return {"reconstruction": outputs.double().nanmean()}

    def table(self, outputs: Tensor, table: pd.DataFrame) -> pd.DataFrame:
        """utterance_id, speaker, and the error of each sentence."""
        return pd.DataFrame(
            {
                "utterance_id": table["utterance_id"].astype(str),
                "speaker": table["speaker"].astype(str),
                self.output_names[0]: outputs[:, 0].double().numpy(),
            }
        )

    def score(self, predictions: pd.DataFrame) -> dict[str, Any]:
        """`{"n": sentences, "reconstruction": the mean over sentences}`."""
        return {"n": len(predictions), "reconstruction": float(predictions[self.output_names[0]].mean())}

    def objective(self, score: Mapping[str, Any]) -> float:
        """Minus the error, for searches maximise."""
        return -float(score.get("reconstruction", float("nan")))

    def tell(self, outputs: Tensor) -> list[dict[str, float | str]]:
        """The error."""
        return [{self.output_names[0]: row[0]} for row in outputs.tolist()]

    def label_kind(self, corpus_kind: str) -> str:
        """None are read."""
        return "no labels"
