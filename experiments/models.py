"""From a config to a model."""

from typing import Any

from omegaconf import DictConfig

from datamodules.chunking import ChunkSettings
from datamodules.corpora.corpus import ATTRIBUTES
from datamodules.features.settings import FeatureSettings
from experiments.console import ConfigurationError
from experiments.instantiation import build
from sermodels.module import EmotionModule

# What a model's yaml says beside its constructor's arguments; none of it changes the outcome.
BESIDE_ARGUMENTS = ("name", "training_defaults", "released_program")


def model_arguments(node: Any) -> dict[str, Any]:
    """A model's config node, less what is not the constructor's."""
    return {key: value for key, value in node.items() if key not in BESIDE_ARGUMENTS}


def attributes_of(cfg: DictConfig) -> tuple[str, ...]:
    """The attributes a run predicts: one, or all three for `attribute=all`."""
    if cfg.attribute == "all":
        return ATTRIBUTES
    if cfg.attribute not in ATTRIBUTES:
        raise ConfigurationError(f"attribute={cfg.attribute}: take one of {', '.join(ATTRIBUTES)}, or all.")
    return (cfg.attribute,)


def new_model(cfg: DictConfig, features: FeatureSettings, chunks: ChunkSettings) -> EmotionModule:
    """The untrained model for chunks of this kind; its weights come from PyTorch's generator as it is.

    Raises ConfigurationError for options that the model does not take.
    """
    model: EmotionModule = build(
        model_arguments(cfg.model),
        attributes=list(attributes_of(cfg)),
        num_frames=chunks.window_frames(features),
        num_mels=features.num_mels,
    )
    if chunks.num_chunks < model.min_chunks:
        raise ConfigurationError(
            f"model={cfg.model.name} needs at least {model.min_chunks} chunks a sentence, and data.chunks makes "
            f"{chunks.num_chunks}; raise data.chunks.max_seconds."
        )
    try:
        model.optimization_steps()  # a rate that no optimizer takes is told now and not in the first pass
    except ValueError as error:
        raise ConfigurationError(f"{cfg.model.name}: {error}; set it in the model's options.") from error
    return model
