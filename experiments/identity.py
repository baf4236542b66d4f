"""What decides a run's outcome, and the hash that names its directory."""

import hashlib
import importlib.util
import inspect
import json
from dataclasses import asdict
from typing import Any

from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

from datamodules.chunking import ChunkSettings
from datamodules.features.settings import FeatureSettings
from experiments.data import chunk_settings, feature_settings
from experiments.models import model_arguments

# Lightning's short names of what it calls in full.
PRECISIONS = {"16": "16-mixed", "bf16": "bf16-mixed", "32": "32-true", "64": "64-true"}


def outcome(cfg: DictConfig, data_fingerprint: str) -> dict[str, Any]:
    """The part of a config that decides what comes out. Keys at their default are left out.

    So a new option does not orphan old runs; paths, loggers, residency and the progress bar are not in it.
    """
    plain: Any = OmegaConf.to_container(cfg, resolve=True)
    callbacks = {name: _without_defaults(node) for name, node in plain.get("callbacks", {}).items()}
    for node in callbacks.values():
        if node.get("backend", "auto") == "auto":  # faiss and torch cluster differently, so say which it will be
            node["backend"] = "faiss" if importlib.util.find_spec("faiss") else "torch"
    precision = str(plain["trainer"]["precision"])
    decides = {
        "model": _without_defaults(model_arguments(plain["model"])),
        "data": data_fingerprint,
        "unlabeled_size": plain["unlabeled_size"],
        "chunks": _differing(chunk_settings(cfg), ChunkSettings()),
        "features": _differing(feature_settings(cfg), FeatureSettings()),
        "schedule": _without_defaults(plain["schedule"]),
        "sampler": _without_defaults(plain["sampler"]),
        "callbacks": callbacks,
        "attribute": plain["attribute"],
        "batch_size": plain["batch_size"],
        "seed": plain["seed"],
        "devices": plain["trainer"]["devices"] * plain["trainer"]["num_nodes"],
        "precision": PRECISIONS.get(precision, precision),
        "channels_last": plain["trainer"]["channels_last"],
    }
    if plain["fidelity"]["criterion"] != "ccc":  # all other switches are in the model, the sampler or the data
        decides["criterion"] = plain["fidelity"]["criterion"]
    return _canonical(decides)


def run_hash(decides: dict[str, Any]) -> str:
    """Eight hexadecimal digits of what `outcome` returned."""
    return hashlib.sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()[:8]


def run_name(cfg: DictConfig, decides: dict[str, Any]) -> str:
    """`<model>-<data>-<attribute>-s<seed>-<hash8>`."""
    return f"{cfg.model.name}-{cfg.data.name}-{cfg.attribute}-s{cfg.seed}-{run_hash(decides)}"


def _without_defaults(node: dict[str, Any]) -> dict[str, Any]:
    """A node with `_target_`, less the arguments that equal the target's own defaults."""
    target = get_object(node["_target_"])
    defaults = {name: p.default for name, p in inspect.signature(target).parameters.items()}
    return {key: value for key, value in node.items() if key not in defaults or _plain(defaults[key]) != value}


def _differing(settings: Any, default: Any) -> dict[str, Any]:
    """The fields of a dataclass that are not at their default."""
    standard = asdict(default)
    return {name: value for name, value in asdict(settings).items() if value != standard[name]}


def _canonical(value: Any) -> Any:
    """The same for the same numbers, however they are written: 2 and 2.0 are one."""
    if isinstance(value, dict):
        return {key: _canonical(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
