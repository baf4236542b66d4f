"""Objects from nodes of the config.

What a node may name stands here: readers, schedules, samplers, callbacks and models of this program, and nothing else,
wherever the node comes from.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import pytorch_lightning as pl

from callbacks.pseudo_labels import PseudoLabels
from datamodules.errors import ConfigurationError
from datamodules.named import named
from datamodules.samplers import PassSampler
from experiments.config.plan import Node
from experiments.config.types import check_options
from sermodels.module import EmotionModule
from sermodels.parts import constructor_parameters

# Where everything that a plan names is defined.
PACKAGES = ("sermodels", "datamodules", "callbacks")
# Arguments that are nobody's choice, by where a node stands.
GIVEN = {
    "data.corpus": (),
    "data.pool": ("scan_cache", "wanted"),
    "schedule": ("has_unlabeled",),
    "callbacks": ("directory",),
    "model": ("task", "num_frames", "num_mels"),
}


def model_class(node: Node) -> type[EmotionModule]:
    """The model's class. Raises ConfigurationError for anything else."""
    return _subclass("model", node, "sermodels", EmotionModule)


def sampler_class(node: Node) -> type[PassSampler]:
    """The sampler's class; its arguments are known only when a pass begins. Raises ConfigurationError."""
    kind = _subclass("sampler", node, "datamodules.samplers", PassSampler)
    for option in set(node) - {"_target_"}:
        raise ConfigurationError(f"sampler.{option}: samplers have no options; leave it out.")
    return kind


def callback_class(name: str, node: Node) -> type[pl.Callback]:
    """A callback's class. Raises ConfigurationError for anything else."""
    return _subclass(f"callbacks.{name}", node, "callbacks", pl.Callback)


def makes_clusters(callbacks: Mapping[str, Node]) -> bool:
    """Whether one of the run's callbacks clusters the sets."""
    return any(issubclass(callback_class(name, node), PseudoLabels) for name, node in callbacks.items())


def build_callback(name: str, node: Node, **offered: Any) -> pl.Callback:
    """A callback of the config; of what is `offered` it gets what its constructor names."""
    kind = callback_class(name, node)
    parameters = constructor_parameters(kind)
    named_by_it = {key: value for key, value in offered.items() if key in parameters}
    made: pl.Callback = call(f"callbacks.{name}", kind, node, GIVEN["callbacks"], **named_by_it)
    return made


def read_corpus(where: str, node: Node, **offered: Any) -> Any:
    """What the reader `where` (data.corpus or data.pool) returns. Raises its DataErrors, and ConfigurationError."""
    return call(where, reader(where, node), node, GIVEN[where], **offered)


def passes_of(node: Node, has_unlabeled: bool) -> tuple[str, ...]:
    """The set of each pass, as the schedule gives them. Raises ConfigurationError."""
    schedule = _function("schedule", node, "datamodules.schedule", ())
    made: tuple[str, ...] = call("schedule", schedule, node, GIVEN["schedule"], has_unlabeled=has_unlabeled)
    return made


def reader(where: str, node: Node) -> Callable[..., Any]:
    """The function that reads a corpus or a pool; its options are those of its signature. Raises ConfigurationError."""
    found = _function(where, node, "datamodules.corpora", ("read", "read_pool"))
    check_options(where, _options(node), found, GIVEN[where])
    return found


def call(where: str, target: Callable[..., Any], node: Node, given: tuple[str, ...], **arguments: Any) -> Any:
    """`target` with a node's options and further arguments. Raises ConfigurationError for options it does not take."""
    options = _options(node)
    check_options(where, options, target, given)
    try:
        return target(**options, **arguments)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{where}: {error}") from error


def with_defaults(node: Mapping[str, Any]) -> dict[str, Any]:
    """A node with every argument that it leaves to its target's defaults, in the nodes inside it too.

    Where a model's argument is None its architecture's own choice stands in, so that both are written alike.
    """
    values = dict(node)
    if "_target_" in node:
        package = str(node["_target_"]).split(".")[0]
        target = named(node["_target_"], package if package in PACKAGES else PACKAGES[0])
        parameters = constructor_parameters(target).items()
        values = {key: one.default for key, one in parameters if one.default is not inspect.Parameter.empty} | values
        own = getattr(target, "defaults", {})
        values |= {key: own[key] for key, value in values.items() if value is None and key in own}
    return {key: with_defaults(value) if isinstance(value, Mapping) else value for key, value in values.items()}


def _options(node: Node) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key != "_target_"}


def _target(where: str, node: Node, package: str) -> Any:
    if not isinstance(node, Mapping) or "_target_" not in node:
        raise ConfigurationError(f"{where}: needs a _target_, the name of what it is; choose another {where}.")
    try:
        return named(node["_target_"], package)
    except ValueError as error:
        raise ConfigurationError(f"{where}: {error}; choose another {where}.") from error


def _subclass(where: str, node: Node, package: str, role: type) -> Any:
    found = _target(where, node, package)
    if not (inspect.isclass(found) and issubclass(found, role)) or inspect.isabstract(found):
        raise ConfigurationError(f"{where}: {node['_target_']} is none; choose another {where}.")
    return found


def _function(where: str, node: Node, package: str, names: tuple[str, ...]) -> Any:
    found = _target(where, node, package)
    if not inspect.isfunction(found) or (names and found.__name__ not in names):
        raise ConfigurationError(f"{where}: {node['_target_']} is none; choose another {where}.")
    return found
