"""What the numbers say of a table's claims, and of how far they lie from the published ones."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from experiments.report.comparison import HIGHER, LOWER, Column, Comparison, Values
from experiments.report.definition import Claim, Gain
from experiments.report.significance import LEVEL, one_sample, spread_of_means

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


def distance(published: float, values: Values) -> tuple[float, str]:
    """How far a row's mean lies from the published one, and whether other trainings would explain that."""
    away, spread = values.papers_mean - published, spread_of_means(values.trials)
    if math.isnan(away) or math.isnan(spread):
        return away, CANNOT_BE_TOLD
    return away, INSIDE if abs(away) <= spread else OUTSIDE


def judge(
    claim: Claim,
    columns: Sequence[Column],
    values: Lookup,
    comparisons: Sequence[Comparison],
    other_table: Mapping[tuple[str, Column], Values],
    parameters: Mapping[str, int],
) -> Verdict:
    """What the numbers of one fidelity say of a claim.

    columns: the CCCs of the attributes that were trained. other_table: the numbers that a `gain` is over. parameters:
    of each row's model.
    """
    told = [one for one in columns if claim.attributes is None or one.attribute in claim.attributes]
    if claim.elsewhere is not None:
        return Verdict(claim.text, ELSEWHERE, claim.elsewhere)
    if claim.parameters is not None:
        fewer = 100 * (1 - parameters[claim.parameters.row] / parameters[claim.parameters.against])
        held = abs(fewer - claim.parameters.fewer_percent) < 1
        return Verdict(claim.text, HELD if held else NOT_HELD, f"{fewer:.1f} % fewer")
    if not told:
        return Verdict(claim.text, CANNOT_BE_TOLD, f"none of {', '.join(claim.attributes or ())} was trained")
    if claim.gain is not None:
        return _gain(claim.text, claim.gain, told, values, other_table)
    if claim.rises is not None or claim.falls is not None:
        return _trend(claim, told, values)
    wanted = {(pair, column) for pair in claim.pairs for column in told}
    found = [one for one in comparisons if ((one.row, one.other), one.column) in wanted]
    return _pairs(claim, found)


def _pairs(claim: Claim, found: Sequence[Comparison]) -> Verdict:
    higher, lower = (sum(one.sound == word for one in found) for word in (HIGHER, LOWER))
    above = sum(one.difference > 0 for one in found)
    detail = f"{above} of {len(found)} means are higher; more than chance: {higher} higher, {lower} lower"
    if claim.no_better is not None:
        verdict = NOT_HELD if higher == len(found) else HELD if lower else CANNOT_BE_TOLD
    else:
        verdict = NOT_HELD if lower else HELD if higher == len(found) else CANNOT_BE_TOLD
    return Verdict(claim.text, verdict, detail)


def _trend(claim: Claim, columns: Sequence[Column], values: Lookup) -> Verdict:
    rows = claim.rises or claim.falls or []
    sign = 1 if claim.rises else -1
    details, told = [], []
    for column in columns:
        slopes = sign * _slopes([values(row, column).trials for row in rows])
        p = one_sample(slopes)
        told.append(0 if not p < LEVEL else 1 if slopes.mean() > 0 else -1)
        mean = sign * slopes.mean() if len(slopes) else math.nan
        details.append(f"{column.attribute} {mean:+.4f} a step (p = {p:.2f})")
    verdict = NOT_HELD if -1 in told else HELD if all(told) else CANNOT_BE_TOLD
    return Verdict(claim.text, verdict, "; ".join(details))


def _slopes(trials_of_rows: Sequence[Sequence[float]]) -> np.ndarray:
    """Each trial's least-squares slope over the rows, which are taken to be equally far apart."""
    count = min(len(trials) for trials in trials_of_rows)
    table = np.array([trials[:count] for trials in trials_of_rows], dtype=float)
    step = np.arange(len(table)) - (len(table) - 1) / 2
    return step @ table / (step**2).sum()


def _gain(
    text: str,
    gain: Gain,
    columns: Sequence[Column],
    values: Lookup,
    other_table: Mapping[tuple[str, Column], Values],
) -> Verdict:
    """Mean relative gain over rows and attributes, trial by trial."""
    pairs = [(values(row, one), other_table.get((row, one))) for row in gain.rows for one in columns]
    count = min((min(len(new.trials), len(old.trials) if old else 0) for new, old in pairs), default=0)
    if not count:
        return Verdict(text, CANNOT_BE_TOLD, f"needs the runs of {gain.over} too; make that table first")
    relative = [
        100 * (np.array(new.trials[:count]) / np.array(old.trials[:count]) - 1) for new, old in pairs if old is not None
    ]
    gains = np.mean(relative, axis=0)
    p = one_sample(gains)
    detail = f"{gains.mean():+.1f} % (published {gain.percent:+.1f} %; p = {p:.2f})"
    verdict = CANNOT_BE_TOLD if not p < LEVEL else HELD if gains.mean() > 0 else NOT_HELD
    return Verdict(text, verdict, detail)
