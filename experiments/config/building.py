"""The model of a plan, untrained; and a weightless one, to hear what a model says of its options."""

import torch

from datamodules.chunking import ChunkSettings
from datamodules.errors import ConfigurationError
from datamodules.features import Features
from experiments.config.plan import Node, RunPlan
from experiments.config.targets import model_class
from sermodels.module import EmotionModule


def build_model(plan: RunPlan, task: Node) -> EmotionModule:
    """The untrained model with this task; its weights come from PyTorch's generator as it is.

    Raises ConfigurationError for options that the model does not take.
    """
    return model_for(plan.model_name, plan.model, task, plan.data.features, plan.data.chunks)


def model_for(name: str, node: Node, task: Node, features: Features, chunks: ChunkSettings) -> EmotionModule:
    """The same of a plan that is being made."""
    size = {"num_frames": chunks.window_frames(features), "num_mels": features.num_bins}
    options = {key: value for key, value in node.items() if key != "_target_"}
    try:
        model = model_class(node)(task=task, **options, **size)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"model={name}: {error}") from error
    if features.frames_a_piece is None and chunks.num_chunks < model.min_chunks:
        raise ConfigurationError(
            f"model={name} needs at least {model.min_chunks} chunks a sentence, and data.chunks makes "
            f"{chunks.num_chunks}; raise data.chunks.max_seconds."
        )
    try:
        model.optimization_steps()  # a rate that no optimizer takes is told now and not in the first pass
    except ValueError as error:
        raise ConfigurationError(f"model={name}: {error}; set it in the model's options.") from error
    return model


def trial_model(name: str, node: Node, task: Node, features: Features, chunks: ChunkSettings) -> EmotionModule:
    """A model without weights, only to hear what it says of its options."""
    with torch.device("meta"):
        return model_for(name, node, task, features, chunks)
