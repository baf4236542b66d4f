"""Tables from nothing: plan their runs, train what is missing, and write what came out."""

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from datamodules.errors import ConfigurationError, UserError
from datamodules.whole_files import write_whole
from experiments.console.user_errors import EXIT_USER_ERROR
from experiments.jobs.job import Job
from experiments.report.analysis import Analysis, Numbers, corpora_of, finished_runs, numbers_of, parameters_of
from experiments.report.definition import read_table, table_names
from experiments.report.document import document_of
from experiments.report.estimate import estimated_seconds
from experiments.report.grid import Asked, asked_of, before_cells, cells
from experiments.report.latex import latex
from experiments.report.listed_runs import run_listed
from experiments.report.long_form import write_csv
from experiments.report.markdown import markdown
from experiments.report.runs import DONE, TableRun, one_of_each, table_runs
from experiments.report.terminal import show_progress, show_runs, show_table
from experiments.report.wandb_table import log_table
from experiments.results.files import write_json

ALL = "all"
RESULTS = Path("results")
ENDED_BY_A_SIGNAL = 128  # exit statuses from here on


@dataclass(frozen=True)
class Request:
    """What is asked for."""

    scale: str
    fidelity: str | None
    """released, paper, both; None: each table's own."""
    trials: int | None
    """None: the scale's."""
    attributes: tuple[str, ...]
    """None given: the scale's."""
    options: tuple[str, ...]
    """Of every run, and of Hydra's launcher."""
    encoders: Mapping[str, Path]
    """Checkpoints that rows go on with, by the names that the table calls them."""
    results: Path

    @property
    def launcher(self) -> list[str]:
        """Those of the options that are Hydra's."""
        return [one for one in self.options if one.lstrip("+~").startswith(("hydra/", "hydra."))]

    @property
    def of_runs(self) -> list[str]:
        """The others."""
        return [one for one in self.options if one not in self.launcher]

    def command(self, name: str) -> str:
        """What makes a table again."""
        words = ["python", "-m", "experiments.tables", name, "--scale", self.scale]
        words += ["--fidelity", self.fidelity] if self.fidelity else []
        words += ["--trials", str(self.trials)] if self.trials else []
        words += [word for one in self.attributes for word in ("--attribute", one)]
        words += [word for name, path in self.encoders.items() for word in ("--encoder", f"{name}={path}")]
        words += ["--results", str(self.results)] if self.results != RESULTS else []
        return shlex.join([*words, *self.options])

    def folder(self, name: str) -> Path:
        """Where a table goes; a part of it, or another experiment, does not lie over the whole."""
        trials = f"{self.trials}trials" if self.trials else None
        changed = [re.sub(r"[^\w.=-]+", "_", one) for one in self.asked(name).changed]
        words = (self.scale, self.fidelity, *self.attributes, trials, *changed)
        return self.results / name / "-".join(word for word in words if word)

    def asked(self, name: str) -> Asked:
        """Which table, exactly. Raises ConfigurationError."""
        return asked_of(name, self.scale, self.fidelity, self.attributes, self.trials, self.of_runs)


def encoders_of(given: Sequence[str]) -> dict[str, Path]:
    """Paths by name. Raises ConfigurationError for what is no NAME=PATH, and for a path that there is not."""
    found = {}
    for one in given:
        name, equals, path = one.partition("=")
        if not (name and equals and path):
            raise ConfigurationError(f"--encoder {one}: give NAME=PATH, as in --encoder began=runs/began-….")
        found[name] = Path(path)
        if not found[name].exists():
            raise ConfigurationError(f"--encoder {one}: there is no such checkpoint; give another.")
    return found


def make_tables(names: Sequence[str], request: Request, plan_only: bool) -> int:
    """Make them one after the other, or say what each would take; the worst of their exit statuses.

    Of all tables, one that has no rows of the fidelity that is asked for is made in its own. Raises ConfigurationError
    where no table is named.
    """
    if not names:
        raise ConfigurationError(f"no table is named; take {ALL}, or one of {', '.join(table_names())}.")
    chosen = table_names() if ALL in names else list(names)
    tables = {name: read_table(name) for name in chosen}  # a name that there is not is told before anything is trained
    statuses = [0]
    for name, table in tables.items():
        if ALL in names and table.scales and request.scale not in table.scales:
            print(f"{name}: its corpus has no scale {request.scale}, so it is left out", file=sys.stderr, flush=True)
            continue
        fits = request.fidelity in (None, "both", *table.fidelity)
        asked = request if fits or ALL not in names else replace(request, fidelity=None)
        try:
            statuses.append(show_plan(name, asked) if plan_only else make_table(name, asked))
        except UserError as error:
            if len(tables) == 1:
                raise
            print(f"error: {name}: {error}", file=sys.stderr, flush=True)  # the others may be made all the same
            statuses.append(EXIT_USER_ERROR)
        if statuses[-1] >= ENDED_BY_A_SIGNAL:
            break
    return max(statuses)


def show_plan(name: str, request: Request) -> int:
    """What a table would take; nothing is trained or prepared. The exit status, 0."""
    asked = request.asked(name)
    first = table_runs(before_cells(asked, request.encoders).values(), prepare=False)
    runs = [*first, *table_runs(cells(asked), prepare=False, before=_checkpoints(asked, first, request))]
    show_runs(runs)
    show_progress(name, runs, estimated_seconds(one_of_each(runs)))
    return 0


def make_table(name: str, request: Request) -> int:
    """Train what a table lacks, write and show it; the exit status: 0, 1 where a run failed, 130 if interrupted."""
    asked = request.asked(name)
    first = table_runs(before_cells(asked, request.encoders).values(), prepare=True)
    status = _train(f"{name}, first", first, request.folder(name), request)
    if status:
        return status
    runs = table_runs(cells(asked), prepare=True, before=_checkpoints(asked, first, request))
    missing = [one for one in runs if one.state != DONE]
    status = _train(name, runs, request.folder(name), request)
    if status >= ENDED_BY_A_SIGNAL:
        return status
    analysis = analysed(asked, runs, request)
    write_table(analysis, request)
    # A call that only read has nothing new to tell.
    if missing and any(one.plan.logger.backend == "wandb" for one in runs):
        log_table(analysis, request.folder(name), runs[0].plan.logger)
    return status


def _train(name: str, runs: Sequence[TableRun], folder: Path, request: Request) -> int:
    """Train those that are not done; the exit status of the sweep."""
    missing = [one for one in one_of_each(runs) if one.state != DONE]
    if not missing:
        return 0
    show_progress(name, runs, estimated_seconds(one_of_each(runs)))
    return run_listed([_job(one) for one in missing], folder, request.launcher)


def _checkpoints(asked: Asked, first: Sequence[TableRun], request: Request) -> dict[str, Path | None]:
    """What rows go on with, by name: the user's, else of the table's own first runs, None where these are not done."""
    names = before_cells(asked, request.encoders)
    own = {
        name: one.run.path.resolve() if one.run is not None and one.state == DONE else None
        for name, one in zip(names, first, strict=True)
    }
    return {**own, **{name: path.expanduser().resolve() for name, path in request.encoders.items()}}


def analysed(asked: Asked, runs: Sequence[TableRun], request: Request) -> Analysis:
    """A table of the runs that are finished. Raises ConfigurationError where they are of several corpora."""
    finished = finished_runs(asked, runs)
    corpora = corpora_of(finished)
    if len(corpora) > 1:
        found = "; ".join(f"{one['name']} {one['version']}, {one['labels']}" for one in corpora)
        raise ConfigurationError(
            f"{asked.name}: its runs are of different corpora or versions, which no table may mix ({found}); give all "
            "its runs the same data, or another run_root."
        )
    claims = asked.table.claims
    return Analysis(
        asked,
        numbers_of(asked.table, finished),
        corpora,
        runs,
        finished,
        {name: _numbers_there(name, request) for name in {claim.gain.over for claim in claims if claim.gain}},
        parameters_of(runs) if any(claim.parameters for claim in claims) else {},
    )


def _numbers_there(name: str, request: Request) -> Numbers:
    """Another table's numbers, as far as its runs are finished."""
    asked = request.asked(name)
    return numbers_of(asked.table, finished_runs(asked, table_runs(cells(asked), prepare=False)))


def write_table(analysis: Analysis, request: Request) -> None:
    """table.md, table.tex, table.json and the CSV files, and the table on the terminal."""
    name = analysis.asked.name
    folder = request.folder(name)
    folder.mkdir(parents=True, exist_ok=True)
    document = document_of(analysis, request.command(name))
    write_json(folder / "table.json", document.to_dict())
    write_whole(folder / "table.md", markdown(document))
    write_whole(folder / "table.tex", latex(analysis))
    write_csv(analysis, folder)
    show_table(analysis)
    print(folder / "table.md")


def _job(one: TableRun) -> Job:
    trainer = one.plan.trainer
    return Job(one.cell.overrides, trainer.processes, trainer.accelerator, trainer.threads is not None)
