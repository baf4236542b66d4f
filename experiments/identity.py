"""What decides a run's outcome, and the hash that names its directory."""

import hashlib
import importlib.util
import inspect
import json
from typing import Any

from hydra.utils import get_class, get_object
from omegaconf import DictConfig, OmegaConf

from datamodules.features.settings import FeatureSettings

# Neither what a thing is called nor what a knob would have been otherwise changes the outcome.
NAMES_ONLY = ("name", "training_defaults")


def outcome(cfg: DictConfig, data_fingerprint: str) -> dict[str, Any]:
    """The part of a config that decides what comes out. Keys at their default are left out.

    So a new option does not orphan old runs; paths, loggers, residency and the progress bar are not in it.
    """
    plain: Any = OmegaConf.to_container(cfg, resolve=True)
    callbacks = {name: _without_defaults(node) for name, node in plain.get("callbacks", {}).items()}
    for node in callbacks.values():
        if node.get("backend", "auto") == "auto":  # faiss and torch cluster differently, so say which it will be
            node["backend"] = "faiss" if importlib.util.find_spec("faiss") else "torch"
    return {
        "model": _without_defaults({key: value for key, value in plain["model"].items() if key not in NAMES_ONLY}),
        "data": data_fingerprint,
        "unlabeled_size": plain["unlabeled_size"],
        "chunks": plain["data"]["chunks"],
        "features": _differing(plain["features"], FeatureSettings()),
        "schedule": plain["schedule"],
        "sampler": plain["sampler"],
        "callbacks": callbacks,
        "attribute": plain["attribute"],
        "batch_size": plain["batch_size"],
        "seed": plain["seed"],
        "devices": plain["trainer"]["devices"],
        "precision": str(plain["trainer"]["precision"]).removesuffix("-true"),
        "channels_last": plain["trainer"]["channels_last"],
    }


def run_hash(decides: dict[str, Any]) -> str:
    """Eight hexadecimal digits of what `outcome` returned."""
    return hashlib.sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()[:8]


def run_name(cfg: DictConfig, decides: dict[str, Any]) -> str:
    """`<model>-<data>-<attribute>-s<seed>-<hash8>`."""
    return f"{cfg.model.name}-{cfg.data.name}-{cfg.attribute}-s{cfg.seed}-{run_hash(decides)}"


def _without_defaults(node: dict[str, Any]) -> dict[str, Any]:
    """A node with `_target_`, less the arguments that equal the target's own defaults."""
    path = node["_target_"]
    try:
        target: Any = get_class(path)
    except ValueError:
        target = get_object(path)
    defaults = {name: p.default for name, p in inspect.signature(target).parameters.items()}
    return {key: value for key, value in node.items() if key not in defaults or _plain(defaults[key]) != value}


def _differing(node: dict[str, Any], default: Any) -> dict[str, Any]:
    return {key: value for key, value in node.items() if _plain(getattr(default, key)) != value}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
