"""Tables from nothing: plan their runs, train what is missing, and write what came out."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from datamodules.errors import ConfigurationError
from experiments.console.user_errors import EXIT_INTERRUPTED
from experiments.jobs.job import Job
from experiments.report.analysis import Analysis, Numbers, corpora_of, finished_runs, numbers_of, parameters_of
from experiments.report.definition import read_table, table_names
from experiments.report.estimate import estimated_seconds
from experiments.report.grid import Asked, asked_of, cells
from experiments.report.latex import latex
from experiments.report.listed_runs import run_listed
from experiments.report.long_form import write_csv
from experiments.report.markdown import markdown
from experiments.report.runs import DONE, TableRun, one_of_each, table_runs
from experiments.report.terminal import show_progress, show_runs, show_table
from experiments.report.wandb_table import log_table

ALL = "all"


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
        return shlex.join([*words, *self.options])

    def folder(self, name: str) -> Path:
        """Where a table goes."""
        return self.results / name / "-".join(word for word in (self.scale, self.fidelity) if word)

    def asked(self, name: str) -> Asked:
        """Which table, exactly. Raises ConfigurationError."""
        return asked_of(name, self.scale, self.fidelity, self.attributes, self.trials)


def make_tables(names: Sequence[str], request: Request, plan_only: bool) -> int:
    """Make them one after the other, or say what each would take; the worst of their exit statuses.

    Of all tables, one that has no rows of the fidelity that is asked for is made in its own. Raises ConfigurationError
    where no table is named.
    """
    if not names:
        raise ConfigurationError(f"no table is named; take {ALL}, or one of {', '.join(table_names())}.")
    statuses = [0]
    for name in table_names() if ALL in names else names:
        fits = request.fidelity in (None, "both", *read_table(name).fidelity)
        asked = request if fits or ALL not in names else replace(request, fidelity=None)
        if plan_only:
            show_plan(name, asked)
        else:
            statuses.append(make_table(name, asked))
        if EXIT_INTERRUPTED in statuses:
            break
    return max(statuses)


def show_plan(name: str, request: Request) -> None:
    """What a table would take; nothing is trained or prepared."""
    runs = table_runs(cells(request.asked(name), request.of_runs), prepare=False)
    show_runs(runs)
    show_progress(name, runs, estimated_seconds(one_of_each(runs)))


def make_table(name: str, request: Request) -> int:
    """Train what a table lacks, write and show it; the exit status: 0, 1 where a run failed, 130 if interrupted."""
    asked = request.asked(name)
    runs = table_runs(cells(asked, request.of_runs), prepare=True)
    missing = [one for one in one_of_each(runs) if one.state != DONE]
    status = 0
    if missing:
        show_progress(name, runs, estimated_seconds(one_of_each(runs)))
        status = run_listed([_job(one) for one in missing], request.folder(name), request.launcher)
        if status == EXIT_INTERRUPTED:
            return status
    write_table(analysed(asked, runs, request), request)
    return status


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
        {claim.gain.over: _numbers_there(claim.gain.over, request) for claim in claims if claim.gain},
        parameters_of(runs) if any(claim.parameters for claim in claims) else {},
    )


def _numbers_there(name: str, request: Request) -> Numbers:
    """Another table's numbers, as far as its runs are finished."""
    asked = request.asked(name)
    return numbers_of(asked.table, finished_runs(asked, table_runs(cells(asked, request.of_runs), prepare=False)))


def write_table(analysis: Analysis, request: Request) -> None:
    """table.md, table.tex and the CSV files, and the table on the terminal."""
    name = analysis.asked.name
    folder = request.folder(name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "table.md").write_text(markdown(analysis, request.command(name)))
    (folder / "table.tex").write_text(latex(analysis))
    write_csv(analysis, folder)
    if any(one.plan.logger.backend == "wandb" for one in analysis.runs):
        log_table(analysis, folder, analysis.runs[0].plan.logger)
    show_table(analysis)
    print(folder / "table.md")


def _job(one: TableRun) -> Job:
    trainer = one.plan.trainer
    return Job(one.cell.overrides, trainer.processes, trainer.accelerator, trainer.threads is not None)
