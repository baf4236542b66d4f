"""What the knobs mean, and which of them contradict each other."""

from hydra.utils import get_class
from omegaconf import DictConfig

from datamodules.corpora.corpus import ATTRIBUTES
from datamodules.samplers import PassSampler
from experiments.console import ConfigurationError
from experiments.instantiation import build
from sermodels.module import EmotionModule

# The least each whole number may be, and what that least would mean.
WHOLE_NUMBERS = {
    "rounds": (1, "passes over the labelled set"),
    "pretrain_rounds": (0, "passes over the unlabelled set alone"),
    "batch_size": (1, "sentences"),
    "num_clusters": (2, "clusters; one leaves nothing to classify"),
    "unlabeled_size": (0, "sentences of the pool; 0 trains on labels alone"),
    "seed": (0, "any number from 0"),
}


def check_options(cfg: DictConfig) -> None:
    """Refuse, before any work is done, what cannot be meant; raises ConfigurationError."""
    for name, (least, meaning) in WHOLE_NUMBERS.items():
        if not isinstance(cfg[name], int) or cfg[name] < least:
            raise ConfigurationError(f"{name}={cfg[name]}: set a whole number, {least} or more ({meaning}).")
    if not isinstance(cfg.lambda_cluster, int | float) or not 0 <= cfg.lambda_cluster < float("inf"):
        raise ConfigurationError(f"lambda_cluster={cfg.lambda_cluster}: set a number, 0 or more.")
    attributes_of(cfg)
    passes_of(cfg)
    if str(cfg.trainer.precision).startswith("16"):
        raise ConfigurationError(
            f"trainer.precision={cfg.trainer.precision} would scale the loss once and unscale it for each of several "
            "optimizers; take trainer.precision=bf16-mixed or 32."
        )
    if cfg.trainer.devices not in (1, "1"):
        raise ConfigurationError(
            f"trainer.devices={cfg.trainer.devices}: training on several devices is not there yet; "
            "set trainer.devices=1."
        )
    sampler = sampler_class(cfg)
    if model_class(cfg).needs_whole_sentences and not sampler.whole_sentences:
        raise ConfigurationError(
            f"model={cfg.model.name} reads whole sentences, but sampler {sampler.__name__} draws single chunks; "
            "take sampler=sentence or sampler=natural_sentence."
        )


def attributes_of(cfg: DictConfig) -> tuple[str, ...]:
    """The attributes a run predicts: one, or all three for `attribute=all`."""
    if cfg.attribute == "all":
        return ATTRIBUTES
    if cfg.attribute not in ATTRIBUTES:
        raise ConfigurationError(f"attribute={cfg.attribute}: take one of {', '.join(ATTRIBUTES)}, or all.")
    return (cfg.attribute,)


def passes_of(cfg: DictConfig) -> tuple[str, ...]:
    """The set of each pass, `L` or `U`."""
    passes: tuple[str, ...] = build(cfg.schedule, has_unlabeled=cfg.unlabeled_size > 0)
    return passes


def model_class(cfg: DictConfig) -> type[EmotionModule]:
    """The model's class."""
    found: type[EmotionModule] = get_class(cfg.model["_target_"])
    return found


def sampler_class(cfg: DictConfig) -> type[PassSampler]:
    """The sampler's class; its arguments are known only when a pass begins."""
    found: type[PassSampler] = get_class(cfg.sampler["_target_"])
    return found
