"""What the numbers say of a table's claims, and of how far they lie from the published ones."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from experiments.report.comparison import HIGHER, LOWER, Column, Comparison, Values
from experiments.report.definition import Claim, Gain
from experiments.report.significance import LEVEL, holm, one_sample, spread_of_means

HELD, NOT_HELD, CANNOT_BE_TOLD, ELSEWHERE = "held", "not held", "cannot be told at this n", "not told by this table"
INSIDE, OUTSIDE = "inside the trials' spread", "outside the trials' spread"

Lookup = Callable[[str, Column], Values]
"""A row's values in a column."""


@dataclass(frozen=True)
class Verdict:
    """On a claim."""

    text: str
    verdict: str
    detail: str
    """The numbers behind it."""
    of: str = ""
    """The attributes that it is told of, where the claim speaks of more."""


def distance(published: float, values: Values) -> tuple[float, str]:
    """How far a row's mean lies from the published one, and whether other trainings would explain that."""
    away, spread = values.papers_mean - published, spread_of_means(values.trials)
    if math.isnan(away) or math.isnan(spread):
        return away, CANNOT_BE_TOLD
    return away, INSIDE if abs(away) <= spread else OUTSIDE


def judge(
    claim: Claim,
    attributes: Sequence[str],
    columns: Sequence[Column],
    values: Lookup,
    comparisons: Sequence[Comparison],
    other_table: Mapping[tuple[str, Column], Values],
    parameters: Mapping[str, int],
) -> Verdict:
    """What the numbers of one fidelity say of a claim.

    attributes: the table's. columns: the CCCs of those that were trained. other_table: the numbers that a `gain` is
    over. parameters: of each row's model.
    """
    if claim.elsewhere is not None:
        return Verdict(claim.text, ELSEWHERE, claim.elsewhere)
    if claim.parameters is not None:
        fewer = 100 * (1 - parameters[claim.parameters.row] / parameters[claim.parameters.against])
        held = abs(fewer - claim.parameters.fewer_percent) < 1
        return Verdict(claim.text, HELD if held else NOT_HELD, f"{fewer:.1f} % fewer")
    asked = claim.attributes or attributes
    told = [one for one in columns if one.attribute in asked]
    if not told:
        return Verdict(claim.text, CANNOT_BE_TOLD, f"no CCC of {', '.join(asked)} is in this table")
    if claim.gain is not None:
        verdict, detail = _gain(claim.gain, told, values, other_table)
    elif claim.rises is not None or claim.falls is not None:
        verdict, detail = _trend(claim, told, values)
    else:
        wanted = {(pair, column) for pair in claim.pairs for column in told}
        verdict, detail = _pairs(claim, [one for one in comparisons if ((one.row, one.other), one.column) in wanted])
    of = "" if len(told) == len(asked) else ", ".join(one.attribute for one in told)
    return Verdict(claim.text, verdict, detail, of)


def _pairs(claim: Claim, found: Sequence[Comparison]) -> tuple[str, str]:
    """By the sound test alone. That a difference is not told does not mean that there is none."""
    higher, lower = (sum(one.sound == word for one in found) for word in (HIGHER, LOWER))
    above = sum(one.difference > 0 for one in found)
    detail = f"{above} of {len(found)} means are higher; more than chance: {higher} higher, {lower} lower"
    everywhere = higher == len(found)
    if claim.no_better is not None:
        return NOT_HELD if higher else HELD if lower == len(found) else CANNOT_BE_TOLD, detail
    if claim.not_all_better is not None:
        return NOT_HELD if everywhere else HELD if lower else CANNOT_BE_TOLD, detail
    return NOT_HELD if lower else HELD if everywhere else CANNOT_BE_TOLD, detail


def _trend(claim: Claim, columns: Sequence[Column], values: Lookup) -> tuple[str, str]:
    """By each training's slope; Holm's correction over the attributes."""
    rows = claim.rises or claim.falls or []
    sign = 1 if claim.rises else -1
    slopes = [sign * _slopes([values(row, column) for row in rows]) for column in columns]
    raised = holm([one_sample(one) for one in slopes])
    told = [0 if not p < LEVEL else 1 if one.mean() > 0 else -1 for one, p in zip(slopes, raised, strict=True)]
    details = [
        f"{column.attribute} {sign * one.mean():+.4f} a step (p = {p:.2f})"
        if len(one)
        else f"{column.attribute}: no trial has all rows"
        for column, one, p in zip(columns, slopes, raised, strict=True)
    ]
    return NOT_HELD if -1 in told else HELD if all(told) else CANNOT_BE_TOLD, "; ".join(details)


def _slopes(rows: Sequence[Values]) -> np.ndarray:
    """Each trial's least-squares slope over the rows, which are taken to be equally far apart."""
    table = np.array([one.of_trials(_common(rows)) for one in rows], dtype=float)
    step = np.arange(len(table)) - (len(table) - 1) / 2
    return step @ table / (step**2).sum()


def _common(rows: Sequence[Values]) -> list[int]:
    """The trials that all rows have: a trial may be a fold, and two folds are no pair."""
    return sorted(set.intersection(*(set(one.numbers) for one in rows)))


def _gain(
    gain: Gain, columns: Sequence[Column], values: Lookup, other_table: Mapping[tuple[str, Column], Values]
) -> tuple[str, str]:
    """Mean over rows and attributes of the relative gain of the means over the trials, as the paper has it.

    Its error is the jackknife's over the trials.
    """
    pairs = [(values(row, one), other_table.get((row, one), Values([], []))) for row in gain.rows for one in columns]
    common = _common([one for pair in pairs for one in pair])
    if not common:
        return CANNOT_BE_TOLD, f"needs the runs of {gain.over} too; make that table first"
    new, old = (np.array([pair[place].of_trials(common) for pair in pairs], dtype=float) for place in (0, 1))

    def percent(trials: np.ndarray) -> float:
        return float(100 * (new[:, trials].mean(1) / old[:, trials].mean(1) - 1).mean())

    every = np.arange(len(common))
    if not (np.isfinite(new).all() and (old.mean(1) > 0).all()):
        return CANNOT_BE_TOLD, "a gain is relative to CCCs above 0, and not all are"
    whole = percent(every)
    without = [percent(np.delete(every, one)) for one in every] if len(every) > 1 else []
    p = one_sample([len(every) * whole - (len(every) - 1) * one for one in without])
    verdict = CANNOT_BE_TOLD if not p < LEVEL else HELD if whole > 0 else NOT_HELD
    return verdict, f"{whole:+.1f} % (published {gain.percent:+.1f} %; p = {p:.2f})"
