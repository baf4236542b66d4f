"""From a table and a scale to the runs it takes: rows x attributes x trials, each as a command line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from datamodules.errors import ConfigurationError
from experiments.report.definition import Row, Scale, Table, read_scale, read_table

FIDELITIES = ("released", "paper", "both")
# What every table sets by itself.
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
}


@dataclass(frozen=True)
class Cell:
    """One training that a table asks for."""

    row: str
    fidelity: str
    """The table's column it belongs to."""
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
            f"fidelity {asked}: the rows of this table are {' and '.join(table.fidelity)}; take one of these, or both."
        )
    return (asked,)


def asked_of(name: str, scale_name: str, fidelity: str | None, attributes: Sequence[str], trials: int | None) -> Asked:
    """A table as it is asked for; None, or no attribute, is what table and scale say.

    Raises ConfigurationError for what they do not have.
    """
    table, scale = read_table(name), read_scale(scale_name)
    count = len(scale.trials) if trials is None else trials
    if not 1 <= count <= len(scale.trials):
        raise ConfigurationError(f"--trials {trials}: scale {scale_name} has 1 to {len(scale.trials)}.")
    wanted = attributes or scale.attributes or table.attributes
    chosen = tuple(one for one in table.attributes if one in wanted)
    if not chosen:
        raise ConfigurationError(f"--attribute {' '.join(wanted)}: {name} has {', '.join(table.attributes)}.")
    return Asked(name, table, scale_name, scale, chosen_fidelities(table, fidelity), chosen, count)


def cells(asked: Asked, options: Sequence[str]) -> Iterator[Cell]:
    """Every training that the table takes, row by row.

    A row without a fidelity of its own is trained once for each that is asked for; one that has its own is the same
    training in all of them. options: the user's, last, so that they win over the scale's. Raises ConfigurationError for
    those that would make another table of it.
    """
    for option in options:
        _refuse_the_tables_own(asked, option)
    for key, row in asked.table.rows.items():
        for fidelity in asked.fidelities:
            for attribute in asked.attributes:
                for trial in range(asked.trials):
                    of_trial = (f"attribute={attribute}", *asked.scale.trials[trial], *options)
                    overrides = _overrides(asked.table, asked.scale, row, fidelity)
                    yield Cell(key, fidelity, attribute, trial, (*overrides, *of_trial))


def _refuse_the_tables_own(asked: Asked, option: str) -> None:
    """Rows, trials and sizes are what a table is; an option that set them would leave its headings wrong."""
    rows = [one for row in asked.table.rows.values() for one in row.overrides]
    own = [*asked.table.overrides, *rows, *(one for trial in asked.scale.trials for one in trial)]
    keys = {_key(one) for one in own} | OF_THE_TABLE
    if _key(option) in keys:
        raise ConfigurationError(
            f"{option}: {asked.name} sets {_key(option)} itself; take another --scale, --fidelity or --attribute, or "
            "make a table of your own in conf/table."
        )


def _key(option: str) -> str:
    return option.lstrip("+~").partition("=")[0]


def _overrides(table: Table, scale: Scale, row: Row, fidelity: str) -> tuple[str, ...]:
    """A row as a command line, but for attribute, trial and the user's own options."""
    own = [*table.overrides, *row.overrides]
    model = next(one.removeprefix("model=") for one in reversed(own) if one.startswith("model="))
    made = [*scale.overrides, *own, f"fidelity={row.fidelity or fidelity}", f"rounds={_of(scale.rounds, table.rounds)}"]
    if table.pretrain_rounds is not None:  # as a default, because it is a knob of some models alone
        made.append(f"training_defaults.pretrain_rounds={_of(scale.rounds, table.pretrain_rounds)}")
    unlabeled = table.unlabeled if row.unlabeled is None else row.unlabeled
    if unlabeled is not None:
        made.append(f"unlabeled_size={_of(scale.unlabeled_sizes, unlabeled)}")
    return (*made, *scale.of_models.get(model, ()))


def _of(sizes: dict[int, int], papers: int) -> int:
    """What stands for a number of the paper's at a scale; 0 is 0 everywhere."""
    return sizes.get(papers, papers)
