"""The runs of a table: how each is called, and how far it has come."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

from datamodules.errors import ConfigurationError
from datamodules.fingerprint import data_fingerprint
from experiments.config.composing import composed_or_refused
from experiments.config.from_hydra import make_plan
from experiments.config.identity import outcome, run_name
from experiments.config.plan import DataPlan, RunPlan
from experiments.report.grid import Cell
from experiments.results.run_result import RunResult
from experiments.training.data import PreparedData, prepare_data, prepared_before

DONE, PARTIAL, FAILED, TO_DO = "done", "partial", "failed", "to do"


@dataclass(frozen=True)
class TableRun:
    """A cell of a table and the run that fills it; cells, of other tables too, may share a run."""

    cell: Cell
    plan: RunPlan
    run: RunResult | None
    """None until its data have been prepared, by whose content runs are named."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Sentences of each set, where the data have been prepared."""

    @property
    def state(self) -> str:
        """done, partial, failed or to do."""
        if self.run is None:
            return TO_DO
        if self.run.done:
            return DONE
        if self.run.failed is not None:
            return FAILED
        return PARTIAL if self.run.partial else TO_DO

    @property
    def key(self) -> str:
        """The same for cells that one run fills."""
        return str(self.run.path) if self.run else " ".join(self.cell.overrides)


def table_runs(
    cells: Iterable[Cell], prepare: bool, before: Mapping[str, Path | None] = MappingProxyType({})
) -> list[TableRun]:
    """The run of every cell.

    prepare: extract what is missing of their data; else such runs stay without a name.
    before: the checkpoints that cells go on with, by the names that they call them; None is not there yet, and who goes
        on with it has no name either.
    Raises what making a plan and preparing data raise.
    """
    identities: dict[str, tuple[str, dict[str, int]] | None] = {}
    found = []
    for cell in cells:
        named, there = _gone_on_with(cell, before)
        plan = _plan(named)
        if not there:
            found.append(TableRun(cell, plan, None))
            continue
        key = json.dumps(asdict(plan.data), sort_keys=True, default=str)
        if key not in identities:
            identities[key] = _identity(plan.data, prepare)
        identity = identities[key]
        if identity is None:
            found.append(TableRun(named, plan, None))
        else:
            fingerprint, sizes = identity
            path = plan.run_root / run_name(plan, outcome(plan, fingerprint))
            found.append(TableRun(named, plan, RunResult(path), sizes))
    return found


def one_of_each(runs: Sequence[TableRun]) -> list[TableRun]:
    """The runs without those that are another cell's too."""
    return list({one.key: one for one in reversed(runs)}.values())[::-1]


def _gone_on_with(cell: Cell, before: Mapping[str, Path | None]) -> tuple[Cell, bool]:
    """The cell with the checkpoint in its name's place, and whether that is there. Raises ConfigurationError."""
    made = []
    there = True
    for one in cell.overrides:
        key, _, value = one.partition("=")
        if key == "pretrained.checkpoint" and value.startswith("@"):
            name, _, last = value[1:].partition(":")
            if name not in before:
                raise ConfigurationError(
                    f"{cell.label}: goes on with the encoder of {name}; give its checkpoint, --encoder {name}=PATH."
                )
            path = before[name]
            there = path is not None
            if path is not None and last and path.is_dir():
                path = path / "checkpoints" / "last.ckpt"
            one = f"{key}='{path}'" if there else "pretrained.weights=random"
        made.append(one)
    if not there:  # as a plan alone, which is of the same size
        made = [*(one for one in made if not one.startswith("pretrained.")), "pretrained.weights=random"]
    return replace(cell, overrides=tuple(made)), there


def _plan(cell: Cell) -> RunPlan:
    """The plan of a cell. Raises ConfigurationError, which names the cell."""
    try:
        return _planned(cell.overrides, os.getcwd())
    except ConfigurationError as error:
        raise ConfigurationError(f"{cell.label}: {error}") from error


@cache
def _planned(overrides: tuple[str, ...], folder: str) -> RunPlan:
    """Kept, because composing takes longer than all else where nothing is trained, and tables share their runs.

    folder: where relative paths begin.
    """
    return make_plan(composed_or_refused(*overrides), here=False)


def _identity(plan: DataPlan, prepare: bool) -> tuple[str, dict[str, int]] | None:
    data: PreparedData | None = prepare_data(plan) if prepare else prepared_before(plan)
    if data is None:
        return None
    sizes = {str(name): int(count) for name, count in data.corpus.table["split"].value_counts().items()}
    return data_fingerprint(data.parts), {**sizes, "unlabeled": 0 if data.pool is None else len(data.pool)}


def chunks_of(data: DataPlan, sizes: dict[str, int], passes: Sequence[str]) -> int:
    """How many chunks a run trains on in all its passes; sentences, where these are rows of pieces."""
    of_pass = {"L": sizes.get("train", 0), "U": sizes.get("unlabeled", 0)}
    each = data.chunks.num_chunks if data.features.frames_a_piece is None else 1
    return each * sum(of_pass[name] for name in passes)
