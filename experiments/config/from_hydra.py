"""From Hydra's config to a RunPlan: the one place where options are read, and where they are checked."""

import inspect
import os
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from datamodules.chunking import ChunkSettings
from datamodules.errors import ConfigurationError, DataError
from datamodules.features.settings import FeatureSettings
from datamodules.samplers import PassSampler
from experiments.config.building import build, class_of, trial_model
from experiments.config.composing import choices, composed
from experiments.config.contradictions import (
    check_logger,
    check_model,
    check_numbers,
    check_places,
    check_switches,
    check_trainer,
    check_unlabeled,
)
from experiments.config.fidelity import check_fidelity
from experiments.config.knobs import check_knobs, knob_of, options_read
from experiments.config.plan import DataPlan, LoggerPlan, Node, RunPlan, TrainerPlan
from sermodels.parts import constructor_parameters

# Parts of a model lie at the config's root, where each is a group of its own, and are handed to its constructor.
PARTS = ("encoder", "temporal_net", "regularizers", "optimization")
# Without each of these there is no run.
GROUPS = ("data", "model", "task", "features", "schedule", "sampler", "trainer", "logger", "fidelity")
# Arguments of tasks that nobody chooses.
TOLD_BY_TRAIN = {"scale", "counts"}
# What a model's yaml says beside its constructor's arguments; none of it changes the outcome.
BESIDE_ARGUMENTS = ("name", "released_program")


def make_plan(cfg: DictConfig) -> RunPlan:
    """The run that a config describes. Raises ConfigurationError for what cannot be meant; no data are looked at."""
    for group in GROUPS:
        if group not in cfg:
            raise ConfigurationError(f"{group}: a run needs one; choose it, as in {group}=…")
    if OmegaConf.is_missing(cfg.data, "root"):
        raise ConfigurationError(
            f"data.root is not set: give the folder of the corpus, data={cfg.data.name} data.root=…"
        )
    make_paths_absolute(cfg)
    read = options_read(cfg)
    check_knobs(cfg, read)
    check_fidelity(cfg, read)
    values: Any = OmegaConf.to_container(cfg, resolve=True)
    check_numbers(values, values["data"])
    trainer = TrainerPlan(**_known(values["trainer"], TrainerPlan, "trainer"))
    trainer = replace(trainer, precision=str(trainer.precision))  # 32 may be a number
    logger = LoggerPlan(**_known(values["logger"], LoggerPlan, "logger"))
    switches = {"overwrite": values["overwrite"], "trainer.channels_last": trainer.channels_last}
    check_switches(switches | {"trainer.progress_bar": trainer.progress_bar, "logger.offline": logger.offline})
    check_trainer(trainer, values["batch_size"])
    check_logger(logger)
    data = data_plan(values)
    name, model = values["model"]["name"], _model(values)
    for told in TOLD_BY_TRAIN & set(values["task"]):
        raise ConfigurationError(f"task.{told}: the training set decides it; leave it out.")
    try:
        trial = trial_model(name, model, values["task"], data.features, data.chunks)
    except ConfigurationError as error:  # a part says what is wrong with its option, and the knob may be elsewhere
        raise ConfigurationError(f"{knob_of(cfg, str(error))}{error}") from error
    check_unlabeled(name, trial, data.unlabeled_size)  # before the schedule, which would advise one that reads U
    plan = RunPlan(
        model_name=name,
        model=model,
        task=values["task"],
        task_label=trial.task.label,
        data=data,
        schedule=values["schedule"],
        passes=build(values["schedule"], has_unlabeled=data.unlabeled_size > 0),
        sampler=_sampler(values["sampler"]),
        callbacks=values.get("callbacks", {}),
        batch_size=values["batch_size"],
        seed=values["seed"],
        trainer=trainer,
        logger=logger,
        run_root=Path(values["run_root"]),
        overwrite=values["overwrite"],
        config=OmegaConf.to_yaml(cfg, resolve=True),
    )
    check_places(plan)
    check_model(plan, trial)
    return plan


def make_paths_absolute(cfg: DictConfig) -> None:
    """So that the run's config.yaml names the same data wherever `evaluate` is started."""
    for node, name in ((cfg, "store_root"), (cfg.data, "root"), (cfg.data, "unlabeled_dir")):
        if node.get(name) is not None:
            node[name] = os.path.abspath(os.path.expanduser(str(node[name])))


def data_plan(values: Mapping[str, Any]) -> DataPlan:
    """The data of a resolved config."""
    data = values["data"]
    return DataPlan(
        name=data["name"],
        corpus=data["corpus"],
        pool=data["pool"],
        unlabeled_dir=data.get("unlabeled_dir"),
        unlabeled_size=values["unlabeled_size"],
        pool_seed=data.get("pool_seed", 99),
        max_bad_files=data["max_bad_files"],
        workers=data.get("workers"),
        residency=data["residency"],
        store_root=Path(values["store_root"]),
        features=FeatureSettings(**_known(values["features"], FeatureSettings, "features")),
        chunks=ChunkSettings(**_known(data["chunks"], ChunkSettings, "data.chunks")),
    )


def saved_data_plan(config: Path, data: str | None, root: str | None) -> DataPlan:
    """The data of a run's config.yaml; with `data` or `root`, a corpus of conf/data as it is there, at `root`.

    Raises DataError for a corpus that there is not, or one without a folder.
    """
    cfg = OmegaConf.load(config)
    assert isinstance(cfg, DictConfig)
    if data is not None or root is not None:
        name = data or cfg.data.name
        if name not in choices("data"):
            raise DataError(f"--data {name}: there is no such corpus; take one of {', '.join(choices('data'))}.")
        node = composed(f"data={name}").data
        if root is not None:
            node.root = root
        elif OmegaConf.is_missing(node, "root"):
            raise DataError(f"--data {name}: give the folder of the corpus with --root.")
        # The node refers to knobs outside itself, such as store_root.
        cfg.data = node
    values: Any = OmegaConf.to_container(cfg, resolve=True)
    return data_plan(values)


def _model(values: Mapping[str, Any]) -> Node:
    """The model's node with its parts. Raises ConfigurationError for a part that it does not have, or one missing."""
    node = {key: value for key, value in values["model"].items() if key not in BESIDE_ARGUMENTS}
    takes = constructor_parameters(class_of("model", node))
    for name in node:
        if name not in {"_target_", *takes}:
            raise ConfigurationError(
                f"model.{name}: model={values['model']['name']} has no such option; there are {', '.join(takes)}, and "
                f"those of its parts, as in encoder.{name}."
            )
    for part in PARTS:
        if part in values and part not in takes:
            raise ConfigurationError(f"{part}: model={values['model']['name']} has no such part; leave {part} out.")
        if part in takes and part not in values:
            raise ConfigurationError(f"{part}: model={values['model']['name']} needs one; choose it, as in {part}=…")
        if part in values and values[part] is None:
            raise ConfigurationError(
                f"{part}: null is no part; choose one, or leave a single one out, as in ~{part}.NAME."
            )
        if part in node:
            raise ConfigurationError(f"model.{part}: parts are groups of their own; set {part}=… instead.")
    return node | {part: values[part] for part in PARTS if part in values}


def _sampler(node: Node) -> type[PassSampler]:
    """The sampler's class; its arguments are known only when a pass begins."""
    found = class_of("sampler", node)
    if not (inspect.isclass(found) and issubclass(found, PassSampler)) or inspect.isabstract(found):
        raise ConfigurationError(
            f"sampler: {node['_target_']} is none; take sampler=chunk, sentence, natural or natural_sentence."
        )
    return found


def _known(options: Mapping[str, Any], kind: type, where: str) -> Mapping[str, Any]:
    """A group's options, unknown ones refused."""
    known = [field.name for field in fields(kind)]
    unknown = [name for name in options if name not in known]
    if unknown:
        raise ConfigurationError(f"{where}.{unknown[0]} is not an option; there are {', '.join(known)}.")
    return options
