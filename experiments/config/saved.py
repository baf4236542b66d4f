"""The data of an evaluation: a finished run's own, there or elsewhere, or another corpus of conf/data."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra.errors import HydraException
from omegaconf import OmegaConf

from datamodules.errors import ConfigurationError, DataError
from datamodules.whole_files import regular
from experiments.config.composing import choices, composed
from experiments.config.from_hydra import data_plan
from experiments.config.plan import DataPlan

NO_CONFIG = "cannot be read as a run's config; give the directory of a finished run"
# Options of data that training reads, and an evaluation does not.
NOT_READ = (
    "name",
    "root",
    "pool",
    "chunks",
    "residency",
    "pool_seed",
    "unlabeled_dir",
    "unlabeled_from",
    "default_unlabeled_size",
)


def evaluation_data(config: Path | None, data: str | None, root: str | None, settings: Sequence[str]) -> DataPlan:
    """Which data an evaluation reads.

    config: of a run, whose own data and options they are unless `data` names another corpus. root: where the corpus
    lies, if not where it lay. settings: further options, as in `data.corpus.fold=2`.

    A run's directory may come from anywhere: its config is read as plain data, and its readers must be this program's.

    Raises DataError for a corpus that there is not, one without a folder, and a config that is none.
    """
    own = None if config is None else _plain(config)
    if own is not None and data in (None, own["data"]["name"]):
        try:
            return _require_root(_own_data(own, root, settings))
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DataError(f"{config}: {NO_CONFIG} ({type(error).__name__}: {error}).") from error
    if data is None:
        raise DataError("--data: name the corpus to evaluate on, and its folder with --root.")
    if data not in choices("data"):
        raise DataError(f"--data {data}: there is no such corpus; take one of {', '.join(choices('data'))}.")
    for setting in settings:
        _checked(setting)
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
    if own is not None and not any(one.startswith("store_root=") for one in settings):
        values["store_root"] = own["store_root"]
    return _require_root(data_plan(values))


def _plain(config: Path) -> dict[str, Any]:
    """A run's config.yaml: numbers, words, lists and options by name, and nothing that a loader would make of a tag."""
    try:
        values = yaml.safe_load(regular(config).read_text())
        named = isinstance(values["data"]["name"], str) and isinstance(values["data"]["corpus"], dict)
        if not (named and isinstance(values["store_root"], str)):
            raise ValueError("no data")
        values["data"].setdefault("unlabeled_from", "pool")  # runs of before there was a choice
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise DataError(f"{config}: {NO_CONFIG}.") from error
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
    return data_plan(values)


def _checked(setting: str) -> tuple[str, str]:
    """Place and value of `data.corpus.fold=2`. Raises ConfigurationError for what an evaluation does not read."""
    place, equals, value = setting.partition("=")
    groups = place.split(".")
    of_data = groups[0] == "data" and ((len(groups) == 2 and groups[1] not in NOT_READ) or groups[1:2] == ["corpus"])
    if not equals or "" in groups or not (place == "store_root" or of_data):
        raise ConfigurationError(
            f"--set {setting}: an evaluation does not read that; it reads data.corpus.NAME=VALUE, data.max_bad_files, "
            "data.workers, store_root, and a corpus's own options. The corpus's folder is --root."
        )
    return place, value


def _set(values: dict[str, Any], setting: str) -> None:
    """Where there is such an option, at its place and where the reader has it too."""
    place, text = _checked(setting)
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"--set {setting}: its value cannot be read; quote it.") from error
    *groups, name = place.split(".")
    nodes = [values if not groups else values["data"] if groups == ["data"] else values["data"]["corpus"]]
    if groups == ["data"] and name in values["data"]["corpus"]:
        nodes.append(values["data"]["corpus"])
    if name not in nodes[0] or len(groups) > 2:
        raise ConfigurationError(f"--set {setting}: there is no such option of data={values['data']['name']}.")
    for node in nodes:
        node[name] = value


def _require_root(plan: DataPlan) -> DataPlan:
    """Raise DataError where the corpus is not there: a reader that makes its corpus would make another."""
    root = plan.corpus.get("root")
    if root is not None and not Path(str(root)).expanduser().is_dir():
        raise DataError(f"{root}: there is no such folder; say with --root where the corpus lies.")
    return plan
