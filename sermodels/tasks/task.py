"""What every task offers: outputs, loss, scores, and the scale on which it speaks to people.

Shapes: B sentences of a batch, S of a set, C chunks, O outputs, A label columns.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import pandas as pd
from torch import Tensor


class Task(ABC):
    """What a model is asked to tell of a sentence. Nothing outside it knows what its scores mean."""

    label: str
    """Its name in a run's directory and in metrics.json."""

    loss_name: str
    """Of its one loss; in logs and among the loss weights."""

    scores: tuple[str, ...]
    """What `validation` returns, in order."""

    headline: str
    """The score that people look at first."""

    criterion: str
    """The score by which the best pass is chosen."""

    criterion_mode: str
    """max or min: which of two values of `criterion` is the better one."""

    output_names: tuple[str, ...]
    """What it tells of a sentence: the columns of a table of predictions."""

    has_labels = True
    """Whether `loss` reads any."""

    num_outputs: int
    """O, numbers a chunk that the model's last layer gives."""

    @abstractmethod
    def fitted(self, train: pd.DataFrame, where: str) -> dict[str, Any]:
        """The arguments that the labelled Train set decides, as plain data: the scale, or the classes.

        where: of the corpus, for a DataError about labels that nothing can be learnt from.
        """

    def can_learn_from(self, train: pd.DataFrame) -> pd.Series:
        """Which sentences of Train `loss` can be computed of, True or False each; the others are left out of L."""
        return pd.Series(True, train.index)

    @abstractmethod
    def encode(self, table: pd.DataFrame) -> Tensor:
        """(S, A) float32 labels of a set's sentences as `loss` reads them; NaN where a sentence has none."""

    @abstractmethod
    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """The loss of a whole batch, however many processes share it; (B, C, O) and (B, A) -> ()."""

    @abstractmethod
    def of_sentences(self, outputs: Tensor) -> Tensor:
        """(B, C, O) outputs of chunks -> (B, O) of their sentences."""

    @abstractmethod
    def validation(self, outputs: Tensor, labels: Tensor) -> Mapping[str, Tensor]:
        """The `scores` of the development set; (S, C, O) and (S, A)."""

    @abstractmethod
    def table(self, outputs: Tensor, table: pd.DataFrame) -> pd.DataFrame:
        """Predictions of a set beside the truth, on the corpus's own scale: what `predictions-<set>.parquet` holds.

        outputs: (S, O) of sentences; table: of the same sentences in the same order.
        """

    def doubts(self, predictions: pd.DataFrame) -> list[str]:
        """What makes predictions, as `table` gave them, ones that nobody should believe."""
        return []

    @abstractmethod
    def score(self, predictions: pd.DataFrame) -> dict[str, Any]:
        """A set's part of metrics.json from what `table` gave: `n`, and scores, of which nested dicts are groups.

        Names that begin with `n_`, and `n`, count sentences. A score that is not defined is None.
        """

    def score_chunks(self, outputs: Tensor, labels: Tensor) -> dict[str, Any]:
        """What joins `score` of the single chunks, each judged by itself; nothing where nobody asks for it.

        outputs: (S, C, O), NaN for chunks that a sentence does not have; labels: (S, A) as `encode` gives them.
        """
        return {}

    @abstractmethod
    def objective(self, score: Mapping[str, Any]) -> float:
        """The one number of what `score` gave that a search over options maximises; NaN where it is not defined."""

    @abstractmethod
    def tell(self, outputs: Tensor) -> list[dict[str, float | str]]:
        """`output_names` -> value, a dict a sentence; outputs: (B, O) of sentences."""

    @abstractmethod
    def label_kind(self, corpus_kind: str) -> str:
        """What the labels are, for people: of a corpus whose attributes are `corpus_kind`."""
