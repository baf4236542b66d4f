"""What decides a run's outcome, and the hash that names its directory."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from callbacks.kmeans import chosen_backend
from experiments.config.plan import RunPlan
from experiments.config.targets import GIVEN, callback_class, with_defaults
from experiments.results.run_result import run_hash

# Goes up when the same values come to mean another outcome.
SCHEMA = 2


def outcome(plan: RunPlan, data_fingerprint: str) -> dict[str, Any]:
    """The part of a plan that decides what comes out, every value in it, those at their defaults too.

    Values left out because they equal today's default would give an old run back when the default changes. Paths,
    loggers, residency, threads and the progress bar are not in it.
    """
    decides = {
        "schema": SCHEMA,
        # `chunks`, `features` and `task` below say what the model is given of them.
        "model": _without(with_defaults(plan.model), GIVEN["model"]),
        "task": with_defaults(plan.task),
        "data": data_fingerprint,
        "unlabeled_size": plan.data.unlabeled_size,
        "chunks": asdict(plan.data.chunks),
        "features": asdict(plan.data.features),
        "schedule": with_defaults(plan.schedule),
        "sampler": f"{plan.sampler.__module__}.{plan.sampler.__qualname__}",
        "callbacks": _callbacks(plan.callbacks),
        "batch_size": plan.batch_size,
        "seed": plan.seed,
        "devices": plan.trainer.processes,
        "precision": plan.trainer.precision,
        "channels_last": plan.trainer.channels_last,
    }
    if plan.pretrained is not None:
        decides["pretrained"] = plan.pretrained.digest
    if plan.search is not None:
        decides["search"] = asdict(plan.search)
    return _canonical(decides)


def _without(node: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """A node less these arguments, in the nodes inside it too."""
    return {
        key: _without(value, names) if isinstance(value, Mapping) else value
        for key, value in node.items()
        if key not in names
    }


def _callbacks(nodes: Mapping[str, Any]) -> dict[str, Any]:
    """Those that have a say in the outcome; a callback that does not tell is taken to have one."""
    decides = {}
    for name, node in nodes.items():
        if getattr(callback_class(name, node), "decides_outcome", True):
            decides[name] = with_defaults(node)
            if "backend" in decides[name]:  # faiss and torch cluster differently, so say which it will be
                decides[name]["backend"] = chosen_backend(decides[name]["backend"])
    return decides


def run_name(plan: RunPlan, decides: dict[str, Any]) -> str:
    """`<model>-<data>-<task>-s<seed>-<hash8>`, the task being an attribute, `all`, or `categories`."""
    return f"{plan.model_name}-{plan.data.name}-{plan.task_label}-s{plan.seed}-{run_hash(decides)}"


def _canonical(value: Any) -> Any:
    """The same for the same numbers, however they are written: 2 and 2.0 are one, and so are lists and tuples."""
    if isinstance(value, dict):
        return {key: _canonical(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
