"""A table made of its runs' numbers: every comparison, mark and verdict, before anybody sees it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from experiments.config.building import trial_model
from experiments.report.comparison import HIGHER, Column, Comparison, Values, compare
from experiments.report.confusion import CATEGORIES, CATEGORY_MEASURES
from experiments.report.definition import CCC, Scale, Table
from experiments.report.grid import Asked
from experiments.report.measures import Finished
from experiments.report.runs import DONE, TableRun
from experiments.report.speakers import SpeakerInterval, drawn_scores, interval
from experiments.report.verdicts import Verdict, judge

# Numbers that are told and not compared: a round is no merit, and the development set has chosen it.
NOT_COMPARED = ("best_round", "development_ccc")
JUDGED = (CCC, *CATEGORY_MEASURES)
"""Measures of sentences, which other speakers may change."""
Numbers = Mapping[tuple[str, Column], Values]
"""By row and column."""


@dataclass(frozen=True)
class Analysis:
    """What a table says."""

    asked: Asked
    numbers: Numbers
    corpora: Sequence[Mapping[str, Any]]
    """Name, version and labels of every corpus that the numbers are of; more than one must not be mixed."""
    runs: Sequence[TableRun] = ()
    """Of every cell, finished or not."""
    finished: Sequence[Finished] = ()
    """Those that the numbers are of."""
    others: Mapping[str, Numbers] = field(default_factory=dict)
    """The numbers of other tables that claims speak of."""
    parameters: Mapping[str, int] = field(default_factory=dict)
    """Of every row's model, where a claim speaks of them."""

    @property
    def table(self) -> Table:
        """What conf/table says of it."""
        return self.asked.table

    @property
    def scale(self) -> Scale:
        """What conf/scale says of it."""
        return self.asked.scale

    @property
    def judged(self) -> bool:
        """Whether the published numbers are of this corpus, version and scale, so that ours can be held against them.

        They come from the released programs; the papers' words alone give a difference and no verdict.
        """
        same = self.shows_published and self.is_papers_version and not self.asked.changed
        return same and self.asked.fidelities[0] == self.table.fidelity[0]

    @property
    def is_papers_version(self) -> bool:
        """Whether all numbers are of the paper's version of its corpus, and of its test set."""
        test_sets = {one.tested_on for one in self.finished}
        wanted = self.table.version is None or [one["version"] for one in self.corpora] == [self.table.version]
        return wanted and test_sets <= {self.table.test_set}

    @property
    def shows_published(self) -> bool:
        """Published numbers are of human ratings, and stand beside no others."""
        return self.asked.scale_name == "full" and [one["name"] for one in self.corpora] == [self.table.corpus]

    @property
    def columns(self) -> list[Column]:
        """In the order in which they are shown."""
        return [
            Column(fidelity, attribute, measure)
            for attribute in self.asked.attributes
            for fidelity in self.asked.fidelities
            for measure in self.table.measures_of(attribute)
        ]

    def values(self, row: str, column: Column) -> Values:
        """A row's numbers, trial by trial; none where no run is finished."""
        return self.numbers.get((row, column), Values([], []))

    def other_speakers(self, row: str, column: Column) -> SpeakerInterval | None:
        """What a row's number might be with other speakers; None where it is no measure of sentences."""
        values = self.values(row, column)
        return interval(*drawn_scores(values.predictions)) if values.predictions else None

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """Every comparison that a mark or a claim rests on."""
        return compare(
            [
                (row, other, column, self.values(row, column), self.values(other, column))
                for column in self.columns
                if column.measure not in NOT_COMPARED
                for row, other in self.table.comparisons
            ],
            paired=self.scale.paired,
        )

    def marks(self, row: str, column: Column) -> dict[str, str]:
        """The marks a row earns in a column, each with `sound`, or `papers` where only the papers' test gives it."""
        against = {one.other: one for one in self.comparisons if one.row == row and one.column == column}
        earned = {}
        for mark, asked in self.table.marks.items():
            others = [other for other in asked.better_than if other != row]
            if row not in asked.of or not others or any(other not in against for other in others):
                continue
            if all(against[other].sound == HIGHER for other in others):
                earned[mark] = "sound"
            elif all(against[other].papers == HIGHER for other in others):
                earned[mark] = "papers"
        return earned

    @cached_property
    def verdicts(self) -> list[Verdict]:
        """On every claim, by the first fidelity's numbers."""
        fidelity = self.asked.fidelities[0]
        return [
            judge(
                claim,
                self.table.attributes,
                [
                    Column(fidelity, attribute, headline)
                    for attribute in self.asked.attributes
                    if (headline := self.table.headline_of(attribute)) in self.table.measures
                ],
                self.values,
                self.comparisons,
                self.others[claim.gain.over] if claim.gain else {},
                self.parameters,
            )
            for claim in self.table.claims
        ]


def finished_runs(asked: Asked, runs: Iterable[TableRun]) -> list[Finished]:
    """Those of a table's runs that there are numbers of."""
    test_set = asked.scale.test_set or asked.table.test_set
    return [Finished(one, test_set) for one in runs if one.state == DONE]


def numbers_of(table: Table, finished: Iterable[Finished]) -> Numbers:
    """Every number that a table shows. Raises DataError for measures and test sets that there are not."""
    of_cell: dict[tuple[str, str, str], list[Finished]] = {}
    for one in finished:
        cell = one.made.cell
        of_cell.setdefault((cell.row, cell.column, cell.attribute), []).append(one)
    return {
        (row, Column(fidelity, attribute, measure)): Values(
            [one.value(measure) for one in trials],
            [one.predictions.measured(measure) for one in trials] if measure in JUDGED else [],
            tuple(one.made.cell.trial for one in trials),
        )
        for (row, fidelity, attribute), trials in of_cell.items()
        for measure in table.measures_of(attribute)
    }


def corpora_of(finished: Iterable[Finished]) -> list[Mapping[str, Any]]:
    """Every corpus that was tested on, once; where named emotions and ratings of one were, `labels` says both."""
    found: dict[tuple[str, str, str], tuple[bool, Mapping[str, Any]]] = {}
    for one in finished:
        corpus, named = one.run.metrics.corpus, one.made.cell.attribute == CATEGORIES
        found.setdefault((corpus["name"], corpus["version"], corpus["labels"]), (named, corpus))
    alike = len({key[:2] for key in found}) == 1 and sorted(named for named, _ in found.values()) == [False, True]
    corpora = [corpus for _, corpus in found.values()]
    return [{**corpora[0], "labels": " and ".join(one["labels"] for one in corpora)}] if alike else corpora


def parameters_of(runs: Iterable[TableRun]) -> dict[str, int]:
    """How many parameters every row's model has."""
    counts = {}
    for one in runs:
        plan = one.plan
        if one.cell.row not in counts:
            model = trial_model(plan.model_name, plan.model, plan.task, plan.data.features, plan.data.chunks)
            counts[one.cell.row] = sum(parameter.numel() for parameter in model.parameters())
    return counts
