"""What conf/table/*.yaml and conf/scale/*.yaml say: a table's rows, columns and claims, and how large its runs are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from callbacks.cluster_health import COLUMNS
from datamodules.batch import LABELED, UNLABELED
from datamodules.errors import ConfigurationError
from datamodules.labels import ATTRIBUTES
from experiments import CONF
from experiments.config.composing import choices
from experiments.report.confusion import CATEGORIES, CATEGORY_MEASURES

Override = Annotated[str, Field(pattern=r"^[+~]?[\w./@]+=")]
Pair = tuple[str, str]
KINDS = ("better", "no_better", "not_all_better", "rises", "falls", "gain", "parameters", "elsewhere")
CCC = "ccc"
"""The measure that is published: the concordance correlation coefficient on the test set."""
OF_ATTRIBUTES = (CCC, "development_ccc")
MEASURES = (*OF_ATTRIBUTES, *CATEGORY_MEASURES, "best_round")
"""Besides columns of clusters.csv."""


class _Plain(BaseModel):
    """Plain data, with nothing in it that nobody reads."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Row(_Plain):
    """A row of a table: one configuration, trained several times."""

    name: str
    overrides: list[Override] = []
    unlabeled: int | None = None
    """Unlabelled sentences in the paper; None is the table's."""
    fidelity: Literal["released", "paper", "literal"] | None = None
    """None is the table's; a row that names one has that in all."""
    published: list[float] | None = None
    """In the order of the table's attributes."""
    marks: list[str] | None = None
    """Published marks of significance, likewise."""


class Mark(_Plain):
    """A mark that a row earns by being better than each of others."""

    of: list[str]
    better_than: list[str]


class Gain(_Plain):
    """A mean relative gain over the same rows of another table."""

    over: str
    rows: list[str]
    percent: float
    """As published."""


class Parameters(_Plain):
    """One row's model has fewer parameters than another's."""

    row: str
    against: str
    fewer_percent: float
    """As published."""


class Claim(_Plain):
    """A sentence that the numbers bear out or not; exactly one of its kinds is given."""

    text: str
    attributes: list[str] | None = None
    """None: all of the table's."""
    better: list[Pair] | None = None
    """The first of each pair is better than the second."""
    no_better: list[Pair] | None = None
    """None of the firsts is better than its second."""
    not_all_better: list[Pair] | None = None
    """One of the firsts, at least, is not."""
    rises: Annotated[list[str], Field(min_length=2)] | None = None
    """Over these rows, in this order."""
    falls: Annotated[list[str], Field(min_length=2)] | None = None
    gain: Gain | None = None
    parameters: Parameters | None = None
    elsewhere: str | None = None
    """What shows it, where no number of this table does."""

    @property
    def pairs(self) -> list[Pair]:
        """The comparisons it rests on."""
        return [*(self.better or ()), *(self.no_better or ()), *(self.not_all_better or ())]

    @property
    def rows(self) -> Iterator[str]:
        """Every row of this table that it names."""
        for pair in self.pairs:
            yield from pair
        yield from (*(self.rises or ()), *(self.falls or ()))
        yield from self.gain.rows if self.gain else ()
        yield from (self.parameters.row, self.parameters.against) if self.parameters else ()

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [name for name in KINDS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"the claim `{self.text}` needs one of {', '.join(KINDS)}")
        return self


class Scale(_Plain):
    """How large a table's runs are, on which data, and how often each is trained."""

    title: str
    test_set: str | None = None
    """None is the table's."""
    attributes: list[str] | None = None
    """Those that are run; None: the table's."""
    overrides: list[Override]
    of_models: dict[str, list[Override]] = {}
    """Further ones of single models."""
    trials: list[list[Override]]
    """What makes a trial, one after the other."""
    rounds: dict[int, int] = {}
    """What stands for the papers' rounds; what is not named is as in the paper."""
    unlabeled_sizes: dict[int, int] = {}
    """Likewise for the sizes of U."""

    drops: list[str] = []
    """Options of rows that the scale's corpus does not have."""
    before: dict[str, list[Override]] = {}
    """Runs that others go on with: name -> options. The others say `pretrained.checkpoint=@name`, which is its best
    model, or `@name:last`, as it was after its last pass; in these options @unlabeled_dir is what the user gives as
    data.unlabeled_dir."""

    @property
    def paired(self) -> bool:
        """Whether a trial has data of its own, as a fold, so that rows are to be compared trial by trial."""
        return all(any(one.startswith("data.") for one in trial) for trial in self.trials)

    @staticmethod
    def of(sizes: dict[int, int], papers: int) -> int:
        """What stands for a number of the paper's at a scale; what is not named is as in the paper."""
        return sizes.get(papers, papers)


class Table(_Plain):
    """A table of a paper, or a control of our own where `corpus` is None."""

    title: str
    source: str = "a control that no paper shows"
    corpus: str | None = None
    version: str | None = None
    test_set: str | None = None
    attributes: Annotated[list[str], Field(min_length=1)]
    """`categories` too, which stands in an attribute's place."""
    measures: list[str] = [CCC]
    """See experiments.report.measures."""
    joint: str | None = None
    """What stands for each attribute where one training tells of several, as arousal+valence."""
    headline: Literal["accuracy", "uar", "f1_macro", "f1_weighted"] = "accuracy"
    """What published numbers of categories are."""
    fidelity: Annotated[list[Literal["released", "paper", "literal"]], Field(min_length=1)]
    """The first is the one that verdicts are about."""
    rounds: int
    """The paper's, one number for all rows."""
    pretrain_rounds: int | None = None
    unlabeled: int | None = None
    overrides: list[Override] = []
    """Of all rows."""
    rows: Annotated[dict[str, Row], Field(min_length=1)]
    marks: dict[str, Mark] = {}
    compare: list[Pair] = []
    """Further comparisons."""
    claims: list[Claim] = []
    transitions: list[str] = []
    """Rows whose clusters' transition ratios stand in one figure, as in Lin & Busso 2024, figure 3."""
    notes: list[str] = []
    scales: dict[str, Scale] = {}
    """Of its own, in the place of those of conf/scale."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if unknown := set(self.attributes) - {*ATTRIBUTES, CATEGORIES}:
            raise ValueError(f"there is no attribute {', '.join(sorted(unknown))}")
        for measure in self.measures:
            set_name, _, column = measure.partition("/")
            if measure not in MEASURES and (set_name not in (LABELED, UNLABELED) or column not in COLUMNS):
                raise ValueError(
                    f"there is no measure {measure}; take {', '.join(MEASURES)}, L/… or U/… of clusters.csv"
                )
        for claim in self.claims:
            if unknown := set(claim.attributes or ()) - set(self.attributes):
                raise ValueError(
                    f"the claim `{claim.text}` is of {', '.join(sorted(unknown))}, which the table has not"
                )
            if claim.gain and claim.gain.over not in table_names():
                raise ValueError(f"there is no table {claim.gain.over}")
        for key, row in self.rows.items():
            for name in ("published", "marks"):
                values = getattr(row, name)
                if values is not None and len(values) != len(self.attributes):
                    raise ValueError(f"rows.{key}.{name}: {len(values)} values for {len(self.attributes)} attributes")
        named = [row for mark in self.marks.values() for row in (*mark.of, *mark.better_than)]
        named += [row for pair in self.compare for row in pair] + [row for claim in self.claims for row in claim.rows]
        if unknown := set(named) - set(self.rows):
            raise ValueError(f"there is no row {', '.join(sorted(unknown))}")
        return self

    @property
    def comparisons(self) -> list[Pair]:
        """Every pair of rows that a mark or a claim rests on, each once, as it is first named."""
        of_marks = [
            (row, other)
            for mark in self.marks.values()
            for row in mark.of
            for other in mark.better_than
            if row != other
        ]
        of_claims = [pair for claim in self.claims for pair in claim.pairs]
        return list(dict.fromkeys([*of_marks, *of_claims, *self.compare]))

    def headline_of(self, attribute: str) -> str:
        """The measure that verdicts are about."""
        return self.headline if attribute == CATEGORIES else CCC

    def measures_of(self, attribute: str) -> list[str]:
        """Those that there are of an attribute, or of categories."""
        others = OF_ATTRIBUTES if attribute == CATEGORIES else CATEGORY_MEASURES
        return [one for one in self.measures if one not in others]

    def published(self, row: str, attribute: str) -> float | None:
        """The published value, if there is one."""
        values = self.rows[row].published
        return None if values is None else values[self.attributes.index(attribute)]

    def published_marks(self, row: str, attribute: str) -> str:
        """The published marks, none where there are none."""
        marks = self.rows[row].marks
        return "" if marks is None else marks[self.attributes.index(attribute)]


Kind = TypeVar("Kind", Table, Scale)


def read_table(name: str) -> Table:
    """A table of conf/table. Raises ConfigurationError for others, and for one that contradicts itself."""
    return _read("table", name, Table)


def read_scale(name: str) -> Scale:
    """A scale of conf/scale. Raises ConfigurationError likewise."""
    return _read("scale", name, Scale)


def table_names() -> list[str]:
    """Every table of conf/table.

    >>> "temporal_3" in table_names()
    True
    """
    return choices("table")


def _read(group: str, name: str, kind: type[Kind]) -> Kind:
    if name not in choices(group):
        raise ConfigurationError(f"{group} {name}: there is none; take one of {', '.join(choices(group))}.")
    path: Path = CONF / group / f"{name}.yaml"
    try:
        return kind.model_validate(yaml.safe_load(path.read_text()))
    except (yaml.YAMLError, ValidationError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        where = ".".join(map(str, first["loc"]))
        raise ConfigurationError(f"conf/{group}/{name}.yaml: {where}: {first['msg']}; mend it there.") from error
