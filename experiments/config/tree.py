"""The config's shape: its groups and parts are there, and nothing is set that nobody reads."""

import re
from typing import Any

from omegaconf import DictConfig, OmegaConf

from datamodules.errors import ConfigurationError
from experiments.config.composing import shipped
from experiments.config.knobs import read_keys
from experiments.config.types import check_type

# Parts of a model lie at the config's root, where each is a group of its own, and are handed to its constructor.
PARTS = ("encoder", "decoder", "classifier", "temporal_net", "regularizers", "optimization")
# Without each of these there is no run.
GROUPS = ("data", "model", "task", "features", "schedule", "sampler", "trainer", "logger", "fidelity")
# Nodes by names of people's own.
NAMED = ("callbacks", "regularizers")
# What a yaml of a model or a task says beside its constructor's arguments; none of it changes the outcome.
BESIDE_ARGUMENTS = ("name", "released_program")
TRAINING_DEFAULTS = ("rounds", "pretrain_rounds", "batch_size", "unlabeled_size")
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
# The options of every corpus beside its nodes; a corpus may have others, which its reader's node refers to.
DATA_NODES = ("corpus", "pool", "chunks")
DATA_OPTIONS = {
    "name": str,
    "root": str,
    "unlabeled_dir": str | None,
    "unlabeled_from": str,
    "default_unlabeled_size": int,
    "pool_seed": int,
    "max_bad_files": float,
    "residency": str,
    "workers": int | None,
}


def check_tree(cfg: DictConfig) -> None:
    """Refuse groups that are missing or null, and names that are no names of folders. Raises ConfigurationError."""
    tree: Any = OmegaConf.to_container(cfg, resolve=False)
    for group in GROUPS:
        if group not in tree:
            raise ConfigurationError(f"{group}: a run needs one; choose it, as in {group}=…")
    for option in shipped("config.yaml"):
        if option not in ("defaults", "hydra") and option not in tree:
            raise ConfigurationError(f"{option}: every run needs it; leave it as it was.")
    for group in (*GROUPS, *PARTS, *NAMED, "training_defaults"):
        if group in tree:
            _require_options(group, tree[group])
    for group in NAMED:
        for name, node in tree.get(group, {}).items():
            _require_options(f"{group}.{name}", node)
    for name in DATA_NODES:
        _require_options(f"data.{name}", tree["data"].get(name))
    for group in ("data", "model"):
        name = tree[group].get("name")
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise ConfigurationError(
                f"{group}.name={name}: it names the run's folder; take letters, digits, and _ . + - after the first."
            )
    for name in tree["training_defaults"]:
        if name not in TRAINING_DEFAULTS:
            raise ConfigurationError(
                f"training_defaults.{name}: nothing reads it; there are {', '.join(TRAINING_DEFAULTS)}."
            )


def _require_options(where: str, node: Any) -> None:
    if not isinstance(node, dict):
        advice = f"leave it out, as in ~{where}" if where.split(".")[0] in NAMED else "choose one"
        raise ConfigurationError(f"{where}={'null' if node is None else node}: is no group of options; {advice}.")


def check_data(cfg: DictConfig) -> None:
    """Refuse options of data that nobody reads, that lack, or are of another type. Raises ConfigurationError."""
    data: Any = OmegaConf.to_container(cfg.data, resolve=True)
    others = [name for name in data if name not in DATA_OPTIONS and name not in DATA_NODES]
    read = read_keys(cfg, [f"data.{name}" for name in others])
    for name in others:
        if f"data.{name}" not in read:
            raise ConfigurationError(f"data.{name}={data[name]}: data={data['name']} does not read it; leave it out.")
    for name, annotation in DATA_OPTIONS.items():
        if name not in data:
            raise ConfigurationError(f"data.{name}: every corpus needs it; leave it as it was.")
        check_type(f"data.{name}", data[name], annotation)
