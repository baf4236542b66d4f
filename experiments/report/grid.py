"""From a table and a scale to the runs it takes: rows x attributes x trials, each as a command line."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from datamodules.errors import ConfigurationError
from datamodules.labels import ATTRIBUTES
from experiments.report.confusion import CATEGORIES
from experiments.report.definition import Row, Scale, Table, read_scale, read_table

FIDELITIES = ("released", "paper", "both")
# What every table sets by itself; and what would throw its runs away one by one.
OF_THE_TABLE = {
    "model",
    "task",
    "attribute",
    "fidelity",
    "rounds",
    "pretrain_rounds",
    "training_defaults.pretrain_rounds",
    "unlabeled_size",
    "seed",
    "overwrite",
}
# Options that say where data lie and on what is trained; all others make another experiment of a table.
SAME_TABLE = re.compile(
    r"data\.(root|unlabeled_dir|version|labels|audio|workers|residency|max_bad_files)|run_root|store_root|logger(\.\w+)?"
    r"|trainer(\.(accelerator|devices|num_nodes|channels_last|deterministic|threads|progress_bar))?"
)


@dataclass(frozen=True)
class Cell:
    """One training that a table asks for."""

    row: str
    column: str
    """The fidelity whose columns it stands in."""
    fidelity: str
    """That it is trained with; a row may have one of its own."""
    attribute: str
    trial: int
    overrides: tuple[str, ...]
    """Of experiments.run."""

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.row}, {self.fidelity}, {self.attribute}, trial {self.trial}"


@dataclass(frozen=True)
class Asked:
    """A table at a scale, as it is asked for."""

    name: str
    """The table's, of conf/table."""
    table: Table
    scale_name: str
    scale: Scale
    fidelities: tuple[str, ...]
    """Each has columns of its own; the first is the one that verdicts are about."""
    attributes: tuple[str, ...]
    trials: int
    """Trainings of every cell."""
    options: tuple[str, ...] = ()
    """The user's, of every run."""

    @property
    def changed(self) -> tuple[str, ...]:
        """Those of the options that make another experiment of it; the title names them."""
        return tuple(one for one in self.options if not SAME_TABLE.fullmatch(_key(one)))

    @property
    def pinned(self) -> dict[str, str]:
        """The fidelity of the rows that have one of their own, by their names."""
        own = {row.name: row.fidelity for row in self.table.rows.values() if row.fidelity is not None}
        return {name: fidelity for name, fidelity in own.items() if self.fidelities != (fidelity,)}


def chosen_fidelities(table: Table, asked: str | None) -> tuple[str, ...]:
    """The fidelities whose columns are made. Raises ConfigurationError for one that the table has not.

    asked: None is the table's first, which verdicts are about.
    """
    if asked is None:
        return (table.fidelity[0],)
    if asked == "both":
        return tuple(table.fidelity)
    if asked not in table.fidelity:
        raise ConfigurationError(
            f"--fidelity {asked}: the rows of this table are {' and '.join(table.fidelity)}; take one, or both."
        )
    return (asked,)


def asked_of(
    name: str,
    scale_name: str,
    fidelity: str | None = None,
    attributes: Sequence[str] = (),
    trials: int | None = None,
    options: Sequence[str] = (),
) -> Asked:
    """A table as it is asked for; None, or no attribute, is what table and scale say.

    Raises ConfigurationError for what they do not have, and for options that would leave its headings wrong.
    """
    table = read_table(name)
    scale = read_scale(scale_name)  # a name that there is not is told
    if table.scales:
        if scale_name not in table.scales:
            raise ConfigurationError(
                f"{name}: its corpus has no scale {scale_name}; take --scale {' or '.join(table.scales)}."
            )
        scale = table.scales[scale_name]
    count = len(scale.trials) if trials is None else trials
    if not 1 <= count <= len(scale.trials):
        raise ConfigurationError(f"--trials {trials}: scale {scale_name} has 1 to {len(scale.trials)}.")
    wanted = attributes or scale.attributes or table.attributes
    chosen = tuple(one for one in table.attributes if one in wanted)
    if not chosen or set(wanted) - {*ATTRIBUTES, CATEGORIES}:
        raise ConfigurationError(f"--attribute {' '.join(wanted)}: {name} has {', '.join(table.attributes)}.")
    fidelities = chosen_fidelities(table, fidelity)
    asked = Asked(name, table, scale_name, scale, fidelities, chosen, count, tuple(options))
    _refuse_the_tables_own(asked)
    return asked


def cells(asked: Asked) -> Iterator[Cell]:
    """Every training that the table takes, row by row.

    A row without a fidelity of its own is trained once for each that is asked for; one that has its own is the same
    training in all of them. The user's options come last, so that they win over the scale's.
    """
    for key, row in asked.table.rows.items():
        for column in asked.fidelities:
            for attribute in asked.attributes:
                for trial in range(asked.trials):
                    fidelity = row.fidelity or column
                    of_trial = (*_asking(asked.table, attribute), *asked.scale.trials[trial], *asked.options)
                    overrides = (*_overrides(asked.table, asked.scale, row, fidelity), *of_trial)
                    yield Cell(key, column, fidelity, attribute, trial, overrides)


def before_cells(asked: Asked, given_encoders: Collection[str] = ()) -> dict[str, Cell]:
    """The runs that others go on with, by name, but for those whose checkpoints are given.

    Raises ConfigurationError for a folder that the user has to give. The user's options of data are the others', which
    may be of another corpus.
    """
    given = {_key(one): one.partition("=")[2] for one in asked.options}
    own = [one for one in asked.options if not _key(one).startswith(("data", "pretrained", "search"))]
    found = {}
    for name, overrides in asked.scale.before.items():
        if name in given_encoders:
            continue
        if any("@unlabeled_dir" in one for one in overrides) and "data.unlabeled_dir" not in given:
            raise ConfigurationError(
                f"{asked.name}: {name} is trained on a folder of speech first; give it as data.unlabeled_dir=…"
            )
        made = [one.replace("@unlabeled_dir", given.get("data.unlabeled_dir", "")) for one in overrides]
        found[name] = Cell(f"before: {name}", "paper", "paper", "", 0, (*made, *own))
    return found


def _asking(table: Table, attribute: str) -> tuple[str, ...]:
    """The options that ask for an attribute, or for categories."""
    if attribute == CATEGORIES:
        return ("task=categories",)
    return (*(("task=attributes",) if CATEGORIES in table.attributes else ()), f"attribute={table.joint or attribute}")


def _refuse_the_tables_own(asked: Asked) -> None:
    """Rows, trials and sizes are what a table is."""
    rows = [one for row in asked.table.rows.values() for one in row.overrides]
    own = [*asked.table.overrides, *rows, *(one for trial in asked.scale.trials for one in trial)]
    own += asked.scale.overrides if asked.scale_name in asked.table.scales else []
    keys = {_key(one) for one in own} | OF_THE_TABLE
    for option in asked.options:
        if _key(option) in keys:
            raise ConfigurationError(
                f"{option}: {asked.name} sets {_key(option)} itself; take another --scale, --fidelity or --attribute, "
                "or make a table of your own in conf/table."
            )


def _key(option: str) -> str:
    return option.lstrip("+~").partition("=")[0]


def _overrides(table: Table, scale: Scale, row: Row, fidelity: str) -> tuple[str, ...]:
    """A row as a command line, but for attribute, trial and the user's own options."""
    own = [one for one in (*table.overrides, *row.overrides) if _key(one) not in scale.drops]
    models = [one.removeprefix("model=") for one in own if one.startswith("model=")]
    made = [*scale.overrides, *own, f"fidelity={fidelity}", f"rounds={scale.of(scale.rounds, table.rounds)}"]
    if table.pretrain_rounds is not None:  # as a default, because it is a knob of some models alone
        made.append(f"training_defaults.pretrain_rounds={scale.of(scale.rounds, table.pretrain_rounds)}")
    unlabeled = table.unlabeled if row.unlabeled is None else row.unlabeled
    if unlabeled is not None:
        made.append(f"unlabeled_size={scale.of(scale.unlabeled_sizes, unlabeled)}")
    return (*made, *(scale.of_models.get(models[-1], ()) if models else ()))
