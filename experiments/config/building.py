"""Objects from nodes, with a user's mistakes told as such."""

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate

from datamodules.chunking import ChunkSettings
from datamodules.errors import ConfigurationError, UserError
from datamodules.features.settings import FeatureSettings
from experiments.config.plan import Node, RunPlan
from sermodels.module import EmotionModule
from sermodels.parts import constructor_parameters


def build(node: Node, **arguments: Any) -> Any:
    """Instantiate `node` with plain Python containers, plus `arguments`.

    Raises a UserError as the target raised it; a ValueError or TypeError of the target becomes ConfigurationError.
    """
    try:
        return instantiate(dict(node), _convert_="all", _recursive_=False, **arguments)
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, UserError | KeyboardInterrupt):
            raise cause from None
        if isinstance(cause, ValueError | TypeError):
            raise ConfigurationError(f"{node['_target_'].rsplit('.', 1)[-1]}: {cause}") from error
        raise


def class_of(where: str, node: Node) -> Any:
    """The class or function that a node names. Raises ConfigurationError where there is none of that name."""
    path = str(node.get("_target_"))
    module, _, name = path.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"{where}: there is no {path}; choose another {where}.") from error


def build_callback(name: str, node: Node, **offered: Any) -> Any:
    """A callback of the config; of what is `offered` it gets what its constructor names."""
    parameters = constructor_parameters(class_of(f"callbacks.{name}", node))
    return build(node, **{key: value for key, value in offered.items() if key in parameters})


def build_model(plan: RunPlan, task: Node) -> EmotionModule:
    """The untrained model with this task; its weights come from PyTorch's generator as it is.

    Raises ConfigurationError for options that the model does not take.
    """
    return model_for(plan.model_name, plan.model, task, plan.data.features, plan.data.chunks)


def model_for(name: str, node: Node, task: Node, features: FeatureSettings, chunks: ChunkSettings) -> EmotionModule:
    """The same of a plan that is being made."""
    size = {"num_frames": chunks.window_frames(features), "num_mels": features.num_mels}
    model: EmotionModule = build(node, task=task, **size)
    if chunks.num_chunks < model.min_chunks:
        raise ConfigurationError(
            f"model={name} needs at least {model.min_chunks} chunks a sentence, and data.chunks makes "
            f"{chunks.num_chunks}; raise data.chunks.max_seconds."
        )
    try:
        model.optimization_steps()  # a rate that no optimizer takes is told now and not in the first pass
    except ValueError as error:
        raise ConfigurationError(f"{name}: {error}; set it in the model's options.") from error
    return model


def trial_model(name: str, node: Node, task: Node, features: FeatureSettings, chunks: ChunkSettings) -> EmotionModule:
    """A model without weights, only to hear what it says of its options."""
    with torch.device("meta"):
        return model_for(name, node, task, features, chunks)


def with_defaults(node: Mapping[str, Any]) -> dict[str, Any]:
    """A node with every argument that it leaves to its target's defaults, in the nodes inside it too."""
    defaults = {}
    if "_target_" in node:
        parameters = constructor_parameters(class_of("a part", node)).items()
        defaults = {key: one.default for key, one in parameters if one.default is not inspect.Parameter.empty}
    return {
        key: with_defaults(value) if isinstance(value, Mapping) else value
        for key, value in (defaults | dict(node)).items()
    }
