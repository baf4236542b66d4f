"""The data of an evaluation: a finished run's own, there or elsewhere, or another corpus of conf/data."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra.errors import HydraException
from omegaconf import OmegaConf

from datamodules.errors import ConfigurationError, DataError
from experiments.config.composing import choices, composed
from experiments.config.from_hydra import data_plan
from experiments.config.plan import DataPlan
from experiments.config.tree import DATA_OPTIONS
from experiments.config.types import check_type


def evaluation_data(config: Path | None, data: str | None, root: str | None, settings: Sequence[str]) -> DataPlan:
    """Which data an evaluation reads.

    config: of a run, whose own data and options they are unless `data` names another corpus. root: where the corpus
    lies, if not where it lay. settings: further options, as in `data.corpus.fold=2`.

    A run's directory may come from anywhere: its config is read as plain data, and its readers must be this program's.

    Raises DataError for a corpus that there is not, one without a folder, and a config that is none.
    """
    own = None if config is None else _plain(config)
    if own is not None and data in (None, own["data"]["name"]):
        return _own_data(own, root, settings)
    if data is None:
        raise DataError("--data: name the corpus to evaluate on, and its folder with --root.")
    if data not in choices("data"):
        raise DataError(f"--data {data}: there is no such corpus; take one of {', '.join(choices('data'))}.")
    try:
        cfg = composed(f"data={data}", *settings)
    except HydraException as error:
        reason = str(error).splitlines()[0]
        raise ConfigurationError(f"--set {' '.join(settings)}: cannot be set ({reason}).") from error
    if root is not None:
        cfg.data.root = str(Path(root).expanduser().resolve())
    elif OmegaConf.is_missing(cfg.data, "root"):
        raise DataError(f"--data {data}: give the folder of the corpus with --root.")
    values: Any = OmegaConf.to_container(cfg, resolve=True)
    if own is not None:
        values["store_root"] = own["store_root"]
    return data_plan(values)


def _plain(config: Path) -> dict[str, Any]:
    """A run's config.yaml: numbers, words, lists and options by name, and nothing that a loader would make of a tag."""
    try:
        values = yaml.safe_load(config.read_text())
        named = isinstance(values["data"]["name"], str) and isinstance(values["data"]["corpus"], dict)
        if not (named and isinstance(values["store_root"], str)):
            raise ValueError("no data")
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{config}: cannot be read as a run's config; give the directory of a finished run.") from error
    return values


def _own_data(values: dict[str, Any], root: str | None, settings: Sequence[str]) -> DataPlan:
    """A run's own data with all its options; `root` replaces the folder wherever it stands."""
    data = values["data"]
    if root is not None:
        before, now = data.get("root"), str(Path(root).expanduser().resolve())
        data["root"] = now
        data["corpus"] = {name: now if value == before else value for name, value in data["corpus"].items()}
    for setting in settings:
        _set(values, setting)
    for name, annotation in DATA_OPTIONS.items():
        check_type(f"data.{name}", data.get(name), annotation)
    return data_plan(values)


def _set(values: dict[str, Any], setting: str) -> None:
    """`data.corpus.fold=2`, where there is such an option."""
    place, equals, value = setting.partition("=")
    *groups, name = place.split(".")
    node: Any = values
    for group in groups:
        node = node.get(group) if isinstance(node, dict) else None
    if not equals or not isinstance(node, dict) or name not in node or groups[:1] != ["data"]:
        raise ConfigurationError(f"--set {setting}: there is no such option of the data; write data.….NAME=VALUE.")
    node[name] = yaml.safe_load(value)
