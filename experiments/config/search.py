"""The group `search`: which options of a model are searched inside the training set, and how."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from datamodules.errors import ConfigurationError
from experiments.config.types import check_options

# Options of what is trained on top. What lies below them, the data above all, is the same in every trial.
SEARCHABLE = ("classifier.", "model.")


@dataclass(frozen=True)
class SearchPlan:
    """A search by Optuna's TPE sampler (Bergstra et al. 2011), which Hyperas uses too."""

    trials: int
    """0 takes the options as they are."""
    folds: int
    """Of the training set, by speaker where there are enough, else by sentence; 1 judges by the development set."""
    rounds: int
    """Passes of each inner training."""
    space: Mapping[str, Any]
    """Option -> a list of values, or {low, high, log}."""


def search_plan(options: Any) -> SearchPlan | None:
    """The group as it was given; None where nothing is searched. Raises ConfigurationError."""
    if options is None:
        return None
    check_options("search", options, SearchPlan)
    plan = SearchPlan(**options)
    for name, least in (("trials", 0), ("folds", 1), ("rounds", 1)):
        if getattr(plan, name) < least:
            raise ConfigurationError(f"search.{name}={getattr(plan, name)}: set a whole number, {least} or more.")
    if plan.trials == 0:
        return None
    if not plan.space:
        raise ConfigurationError("search.space is empty: name an option to search, or set search.trials=0.")
    for name, values in plan.space.items():
        if not str(name).startswith(SEARCHABLE):
            raise ConfigurationError(
                f"search.space.{name}: only options of what is trained may be searched, {'… or '.join(SEARCHABLE)}…; "
                "the data and their split stay out of a search."
            )
        _check_values(str(name), values)
    return plan


def _check_values(name: str, values: Any) -> None:
    if isinstance(values, list) and values:
        return
    bounds = isinstance(values, Mapping) and {"low", "high"} <= set(values) <= {"low", "high", "log"}
    numbers = bounds and all(type(values[key]) in (int, float) for key in ("low", "high"))
    if not numbers or not values["low"] < values["high"] or (values.get("log") and values["low"] <= 0):
        raise ConfigurationError(
            f"search.space.{name}={values}: give a list of values, or low, high (above low) and, if wanted, log: true."
        )


def with_options(model: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """A model's node with some of its options replaced, by their names in a space.

    >>> with_options({"lr": 0.1, "classifier": {"dropout": 0.5}}, {"model.lr": 0.2, "classifier.dropout": 0.0})
    {'lr': 0.2, 'classifier': {'dropout': 0.0}}
    """
    node = {name: dict(value) if isinstance(value, Mapping) else value for name, value in model.items()}
    for name, value in chosen.items():
        place, option = name.split(".", 1)
        (node if place == "model" else node[place])[option] = value
    return node
