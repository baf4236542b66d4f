"""Which options of a config anything reads.

An option is read where another refers to it, as in `num_clusters: ${num_clusters}`. So a model, a part or a schedule
declares a knob by reading it, and nothing here knows which has which.
"""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any

from omegaconf import DictConfig, OmegaConf

from datamodules.errors import ConfigurationError
from experiments import CONF
from experiments.config.composing import shipped

# What makes a plan whatever the model is.
OF_EVERY_RUN = {"unlabeled_size", "seed", "batch_size", "run_root", "store_root", "overwrite"}
# Roots of the config that are no group of conf/.
ROOTS = {"regularizers", "callbacks", "training_defaults", "pretrained", "search", "hydra"}
# Groups whose choices are many, each under a name of its own.
NAMED_GROUPS = {"regularizer", "callback"}
NO_KNOBS = {"defaults", *ROOTS, *OF_EVERY_RUN}


def read_keys(cfg: DictConfig, keys: Iterable[str]) -> set[str]:
    """Those of `keys` (as in `fidelity.embedding`) that some other place of the config refers to."""
    marks = {key: f"<read {key}>" for key in keys}
    marked = deepcopy(cfg)
    OmegaConf.set_struct(marked, False)
    for key, mark in marks.items():
        OmegaConf.update(marked, key, mark, merge=False)
    found = list(_strings(OmegaConf.to_container(marked, resolve=True)))
    # Each mark stands in its own place once; what stands twice was read.
    return {key for key, mark in marks.items() if sum(mark in text for text in found) > 1}


def _default(cfg: DictConfig, name: str, value: Any) -> Any:
    """What a knob would be if it had not been set: its default may refer to the model's."""
    left = deepcopy(cfg)
    left[name] = value
    return left[name]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)
    elif isinstance(value, str):
        yield value


def options_read(cfg: DictConfig) -> set[str]:
    """The knobs at the config's root, and the switches of its fidelity, that something reads."""
    return read_keys(cfg, [*_knobs(cfg), *(f"fidelity.{switch}" for switch in cfg.fidelity)])


def _knobs(cfg: DictConfig) -> list[str]:
    return [name for name in shipped("config.yaml") if name in cfg and name not in NO_KNOBS]


def by_its_knob(cfg: DictConfig, fault: str) -> str:
    """A part's fault, `model=…: regularizers.triplet: weight is …, not -1`, told by the knob that was set."""
    for name in _knobs(cfg):
        if fault.endswith(f"not {cfg[name]!r}"):
            return f"{name}={cfg[name]}: {fault.rsplit(': ', 1)[-1]}."
    return fault


def check_knobs(cfg: DictConfig, read: set[str]) -> None:
    """Refuse what would be set in vain: knobs that nothing reads, options that there are not, two values of one knob.

    A sweep over such a knob would train one run again and again. read: what `options_read` found.
    Raises ConfigurationError.
    """
    defaults = shipped("config.yaml")
    chosen: Any = OmegaConf.to_container(cfg, resolve=False)
    groups = {path.name for path in CONF.iterdir() if path.is_dir()}
    for name in chosen:
        if name in NAMED_GROUPS:
            raise ConfigurationError(
                f"{name}: nothing reads it there; give it a name, as in +{name}@{name}s.NAME=…, NAME being yours."
            )
        if name not in defaults and name not in groups | ROOTS:
            raise ConfigurationError(f"{name}={chosen[name]}: there is no option of this name; leave it out.")
    knobs = _knobs(cfg)
    # A knob that two places read is given by the knob alone, or they would disagree.
    places = {"model": cfg.model, **{f"callbacks.{name}": one for name, one in cfg.get("callbacks", {}).items()}}
    for where, node in places.items():
        for name in set(node) & set(knobs):
            if node[name] != cfg[name]:
                raise ConfigurationError(
                    f"{where}.{name}={node[name]} is not the run's {name}; set {name}={node[name]} alone."
                )
    for name in knobs:
        if name in read or chosen[name] == defaults[name]:
            continue
        if cfg[name] != _default(cfg, name, defaults[name]):
            raise ConfigurationError(
                f"{name}={chosen[name]}: model={cfg.model.name} with its parts and schedule does not read it; "
                f"leave {name} out."
            )
