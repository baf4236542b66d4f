"""What the knobs mean, and which of them contradict each other."""

from pathlib import Path
from typing import Any

import torch
from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf

from datamodules.datamodule import RESIDENCIES
from datamodules.samplers import PassSampler
from experiments import CONF
from experiments.console import ConfigurationError
from experiments.data import chunk_settings, feature_settings
from experiments.fidelity import check_fidelity
from experiments.instantiation import build
from experiments.models import attributes_of, new_model
from sermodels.encoders.vgg import VGG16
from sermodels.module import EmotionModule

# The least each whole number may be, and what that least would mean.
WHOLE_NUMBERS = {
    "rounds": (1, "passes over the labelled set"),
    "pretrain_rounds": (0, "passes over the unlabelled set alone"),
    "batch_size": (1, "sentences"),
    "num_clusters": (2, "clusters; one leaves nothing to classify"),
    "unlabeled_size": (0, "sentences of the pool; 0 trains on labels alone"),
    "seed": (0, "up to 2^32 - 1"),
}

# Knobs that some models alone have, and what the others lack: a sweep over one would train one run again and again.
# A model that has one takes it from the knob alone, or the run's name would not say what it was trained with.
MODELS_KNOBS = {"num_clusters": "clusters", "lambda_cluster": "cluster loss", "gamma_triplet": "triplet loss"}

WEIGHTS = ("lambda_cluster", "gamma_triplet")

# The groups that presets of a network lie in, and the argument of the model that each decides.
PRESETS = {"spatial": "attention_blocks", "recurrence": "recurrent", "combination": "combination"}

PRECISIONS = ("32", "32-true", "bf16-mixed", "bf16", "64", "64-true")


def check_options(cfg: DictConfig) -> None:
    """Refuse, before any work is done, what cannot be meant; raises ConfigurationError."""
    for name, (least, meaning) in WHOLE_NUMBERS.items():
        if type(cfg[name]) is not int or cfg[name] < least:  # True is an int too
            raise ConfigurationError(f"{name}={cfg[name]}: set a whole number, {least} or more ({meaning}).")
    if cfg.seed >= 2**32:
        raise ConfigurationError(f"seed={cfg.seed}: set a whole number from 0 to 2^32 - 1.")
    if not isinstance(cfg.data.max_bad_files, int | float) or not 0 <= cfg.data.max_bad_files <= 1:
        raise ConfigurationError(f"data.max_bad_files={cfg.data.max_bad_files}: set a fraction from 0 to 1.")
    pool_seed = cfg.data.get("pool_seed", 0)
    if type(pool_seed) is not int or not 0 <= pool_seed < 2**32:
        raise ConfigurationError(f"data.pool_seed={pool_seed}: set a whole number from 0 to 2^32 - 1.")
    for name in WEIGHTS:
        # True is an int too, and a sign that the value went to the wrong option.
        if type(cfg[name]) not in (int, float) or not 0 <= cfg[name] < float("inf"):
            raise ConfigurationError(f"{name}={cfg[name]}: set a number, 0 or more.")
    for group, argument in PRESETS.items():
        if group in cfg and argument not in cfg.model:
            raise ConfigurationError(
                f"{group}: model={cfg.model.name} has no such choice; leave {group} out, or take model=acg_emocluster."
            )
    defaults: Any = OmegaConf.load(CONF / "config.yaml")
    for name, lacking in MODELS_KNOBS.items():
        if name not in cfg.model and cfg[name] != defaults[name]:
            raise ConfigurationError(f"{name}={cfg[name]}: model={cfg.model.name} has no {lacking}; leave {name} out.")
    attributes_of(cfg)
    # Before the schedule, which would advise one that has passes over U.
    if not model_class(cfg).learns_from_unlabeled and cfg.unlabeled_size:
        raise ConfigurationError(
            f"model={cfg.model.name} learns from labels alone, and unlabeled_size={cfg.unlabeled_size}; "
            "set unlabeled_size=0, or take another model."
        )
    passes_of(cfg)
    if str(cfg.trainer.precision) not in PRECISIONS:
        raise ConfigurationError(
            f"trainer.precision={cfg.trainer.precision}: take one of {', '.join(PRECISIONS)}. "
            "16-mixed would scale the loss once and unscale it for each of several optimizers."
        )
    if cfg.trainer.accelerator == "gpu" and not torch.cuda.is_available():
        raise ConfigurationError("trainer=gpu: this PyTorch finds no GPU here; set trainer=cpu.")
    if cfg.trainer.threads is not None and (type(cfg.trainer.threads) is not int or cfg.trainer.threads < 1):
        raise ConfigurationError(f"trainer.threads={cfg.trainer.threads}: set a whole number, 1 or more, or null.")
    _check_processes(cfg)
    check_fidelity(cfg)
    if cfg.data.residency not in RESIDENCIES:
        raise ConfigurationError(f"data.residency={cfg.data.residency}: take one of {', '.join(RESIDENCIES)}.")
    for name in ("run_root", "store_root"):
        _check_folder(name, Path(str(cfg[name])))
    for group, node in (
        ("model", cfg.model),
        *((f"callbacks.{name}", one) for name, one in cfg.get("callbacks", {}).items()),
    ):
        for name in MODELS_KNOBS:
            if node.get(name, cfg[name]) != cfg[name]:
                raise ConfigurationError(
                    f"{group}.{name}={node[name]} is not the run's {name}; set {name}={node[name]} alone."
                )
    _check_clusters(cfg)
    sampler = sampler_class(cfg)
    if model_class(cfg).needs_whole_sentences and not sampler.whole_sentences:
        raise ConfigurationError(
            f"model={cfg.model.name} reads whole sentences, but sampler {sampler.__name__} draws single chunks; "
            "take sampler=sentence or sampler=natural_sentence."
        )
    with torch.device("meta"):  # only to hear what the model says of its options; no weights are made
        model = new_model(cfg, feature_settings(cfg), chunk_settings(cfg))
    if cfg.trainer.accelerator == "cpu" and "bf16" in str(cfg.trainer.precision):
        _check_narrow_maps(model, cfg.features.num_mels)


def _check_clusters(cfg: DictConfig) -> None:
    """Clusters are made if the model learns them, and only then."""
    model, sampler = cfg.model.name, sampler_class(cfg)
    if hasattr(model_class(cfg), "embed"):  # as callbacks.protocols.Clustered says
        if not makes_clusters(cfg):
            raise ConfigurationError(
                f"model={model} learns clusters, and no callback makes any; leave callbacks.pseudo_labels as it is."
            )
    elif makes_clusters(cfg):
        raise ConfigurationError(
            f"model={model} has no clusters, and a callback would make some; leave callbacks.pseudo_labels out."
        )
    elif sampler.needs_clusters:
        raise ConfigurationError(
            f"model={model} makes no clusters, and sampler {sampler.__name__} draws by them; "
            "take sampler=natural or natural_sentence."
        )


def _check_narrow_maps(model: EmotionModule, num_mels: int) -> None:
    """Refuse bf16 where PyTorch's convolutions are wrong in it.

    Of stride 2 onto a map one bin wide they leave garbage on processors with AMX (torch 2.13; that
    convolutions with strides are wrong in bf16 is also said in github.com/pytorch/pytorch/issues/169688).
    """
    encoders = [module for module in model.modules() if isinstance(module, VGG16)]
    if any(width == 1 for encoder in encoders for _, _, width in encoder.map_shapes):
        raise ConfigurationError(
            f"trainer.precision: with features.num_mels={num_mels} the encoder's last map is one bin wide, for which "
            "PyTorch's bf16 convolutions on a CPU are wrong; set trainer.precision=32-true, or more than 32 mel bins."
        )


def _check_processes(cfg: DictConfig) -> None:
    for name, what in (("devices", "of each machine"), ("num_nodes", "machines")):
        value = cfg.trainer[name]
        if type(value) is not int or value < 1:
            raise ConfigurationError(f"trainer.{name}={value}: set a whole number, 1 or more ({what}).")
    processes = cfg.trainer.devices * cfg.trainer.num_nodes
    if cfg.trainer.accelerator == "gpu" and cfg.trainer.devices > torch.cuda.device_count():
        raise ConfigurationError(
            f"trainer.devices={cfg.trainer.devices}: there are {torch.cuda.device_count()} GPUs here; set it lower."
        )
    if cfg.batch_size % processes:
        raise ConfigurationError(
            f"batch_size={cfg.batch_size} is the whole batch's, which {processes} devices cannot share evenly; "
            f"set a multiple of {processes}."
        )


def _check_folder(name: str, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"{name}={folder}: cannot be made ({error.strerror}); set {name} elsewhere."
        ) from error


def passes_of(cfg: DictConfig) -> tuple[str, ...]:
    """The set of each pass, `L` or `U`."""
    passes: tuple[str, ...] = build(cfg.schedule, has_unlabeled=cfg.unlabeled_size > 0)
    return passes


def makes_clusters(cfg: DictConfig) -> bool:
    """Whether one of the run's callbacks clusters the sets."""
    return any("num_clusters" in node for node in cfg.get("callbacks", {}).values())


def model_class(cfg: DictConfig) -> type[EmotionModule]:
    """The model's class."""
    found: type[EmotionModule] = get_class(cfg.model["_target_"])
    return found


def sampler_class(cfg: DictConfig) -> type[PassSampler]:
    """The sampler's class; its arguments are known only when a pass begins."""
    try:
        found: type[PassSampler] = get_class(cfg.sampler["_target_"])
    except ImportError as error:
        raise ConfigurationError(
            f"sampler: there is no {cfg.sampler['_target_']}; "
            "take sampler=chunk, sentence, natural or natural_sentence."
        ) from error
    return found
