"""metrics.json: what a run, or an evaluation of one, came to; written and read here alone.

    {"corpus": {"name", "version", "labels", "labeled", "unlabeled", "pool", "notes"},
     "trained_on": the same of the training corpus, in evaluations only,
     "model", "attribute", "seed",
     "validation": a set's scores, "test": {set name: its scores}}

A set's scores are its task's: `n`, the sentences that were rated, and numbers or groups of numbers, as in
`{"n": 60, "ccc": {"arousal": 0.7}}` or `{"n": 60, "uar": 0.5, "f1": {"macro": 0.5, "weighted": 0.6}}`; null is a score
that is not defined. No times are in it: the same run gives the same file.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, NotRequired

from pydantic import BeforeValidator, TypeAdapter
from typing_extensions import TypedDict

from experiments.results.files import read_json, write_json

REMEDY = "put a copy of it there, or train the run anew with overwrite=true"


class _Corpus(TypedDict):
    name: str
    version: str
    labels: str
    labeled: NotRequired[int | None]
    unlabeled: NotRequired[int | None]


class _Confusion(TypedDict):
    classes: list[str]
    counts: list[list[int]]


class _Scores(TypedDict):
    n: int
    ccc: NotRequired[dict[str, float | None]]
    confusion: NotRequired[_Confusion]


def _of(kind: Any) -> BeforeValidator:
    """A dict that holds what a `kind` does, and more, as it is."""
    known = TypeAdapter(kind)

    def checked(value: Any) -> Any:
        known.validate_python(value)
        return value

    return BeforeValidator(checked)


CorpusFacts = Annotated[dict[str, Any], _of(_Corpus)]
Scores = Annotated[dict[str, Any], _of(_Scores)]


@dataclass(frozen=True)
class Metrics:
    """See above."""

    corpus: CorpusFacts
    model: str
    attribute: str
    """What is predicted: an attribute, `all`, or `categories`."""
    seed: int | None
    validation: Scores | None = None
    """The development set's scores; None in evaluations."""
    test: dict[str, Scores] = field(default_factory=dict)
    trained_on: CorpusFacts | None = None

    @classmethod
    def read(cls, path: Path) -> "Metrics":
        """What `write` wrote. Raises DataError for anything else."""
        return read_json(path, cls, REMEDY)

    def write(self, path: Path) -> None:
        """Whole or not at all; what is None is left out."""
        write_json(path, {name: value for name, value in asdict(self).items() if value is not None})

    @property
    def sets(self) -> dict[str, dict[str, Any]]:
        """All sets' scores, the development set's as `validation`."""
        return ({} if self.validation is None else {"validation": self.validation}) | self.test

    @property
    def scores(self) -> dict[str, float]:
        """Every number by its name, as in `test1/ccc_arousal`; NaN where it is not defined."""
        return {
            f"{name}/{score}": value for name, one in self.sets.items() for score, value in flat_scores(one).items()
        }


def flat_scores(scores: Mapping[str, Any]) -> dict[str, float]:
    """A set's scores without the groups, without `n` and other counts, and without tables such as a confusion matrix.

    >>> flat_scores({"n": 6, "uar": 0.5, "f1": {"macro": 0.4}, "confusion": {"counts": [[3, 0], [3, 0]]}})
    {'uar': 0.5, 'f1_macro': 0.4}
    """
    return dict(_numbers({name: value for name, value in scores.items() if name != "n" and name[:2] != "n_"}, ""))


def _numbers(group: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, float]]:
    for name, value in group.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{name}_")
        elif value is None:
            yield prefix + name, math.nan
        elif isinstance(value, int | float):
            yield prefix + name, float(value)
