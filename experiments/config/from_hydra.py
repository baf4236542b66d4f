"""From Hydra's config to a RunPlan: the one place where options are read, and where they are checked."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from datamodules.chunking import ChunkSettings
from datamodules.errors import ConfigurationError
from datamodules.features import kind_of
from datamodules.reading.sources import where_to_get
from experiments.config.building import trial_model
from experiments.config.contradictions import (
    PRECISIONS,
    check_data_values,
    check_devices,
    check_finite,
    check_logger,
    check_model,
    check_numbers,
    check_places,
    check_trainer,
    check_unlabeled,
)
from experiments.config.fidelity import check_fidelity
from experiments.config.knobs import by_its_knob, check_knobs, options_read
from experiments.config.plan import DataPlan, LoggerPlan, Node, RunPlan, TrainerPlan
from experiments.config.pretrained import read_pretrained
from experiments.config.search import search_plan, with_options
from experiments.config.targets import GIVEN, build_callback, model_class, passes_of, reader, sampler_class
from experiments.config.tree import BESIDE_ARGUMENTS, DATA_OPTIONS, PARTS, check_data, check_tree
from experiments.config.types import check_options, check_type
from sermodels.parts import constructor_parameters

# Arguments of tasks that nobody chooses.
TOLD_BY_TRAIN = {"scale", "counts"}


def make_plan(cfg: DictConfig, here: bool = True) -> RunPlan:
    """The run that a config describes. Raises ConfigurationError for what cannot be meant; no data are looked at.

    here: whether it is to be trained on this machine, whose devices are then checked.
    """
    check_tree(cfg)
    check_finite(OmegaConf.to_container(cfg, resolve=False))
    pretrained = read_pretrained(cfg)
    if cfg.data.get("root") is None:
        raise ConfigurationError(
            f"data.root is not set: give the folder of the corpus, data={cfg.data.name} data.root=…. "
            f"{where_to_get(cfg.data.name)}".rstrip()
        )
    make_paths_absolute(cfg)
    read = options_read(cfg)
    check_knobs(cfg, read)
    check_fidelity(cfg, read)
    check_data(cfg)
    values: Any = OmegaConf.to_container(cfg, resolve=True)
    check_numbers(values)
    check_type("overwrite", values["overwrite"], bool)
    trainer = _trainer(values["trainer"])
    check_trainer(trainer, values["batch_size"])
    if here:
        check_devices(trainer)
    logger: LoggerPlan = _group("logger", values["logger"], LoggerPlan)
    check_logger(logger)
    data = data_plan(values)
    name, model = values["model"]["name"], _model(values)
    search = search_plan(values.get("search"))
    task = {key: value for key, value in values["task"].items() if key not in BESIDE_ARGUMENTS}
    for told in TOLD_BY_TRAIN & set(task):
        raise ConfigurationError(f"task.{told}: the training set decides it; leave it out.")
    try:
        trial = trial_model(name, model, task, data.features, data.chunks)
    except ConfigurationError as error:  # a part says what is wrong with its option, and the knob may be elsewhere
        raise ConfigurationError(by_its_knob(cfg, str(error))) from error
    check_unlabeled(name, trial, data.unlabeled_size)  # before the schedule, which would advise one that reads U
    plan = RunPlan(
        model_name=name,
        model=model,
        task=task,
        task_label=trial.task.label,
        data=data,
        schedule=values["schedule"],
        passes=passes_of(values["schedule"], has_unlabeled=data.unlabeled_size > 0),
        sampler=sampler_class(values["sampler"]),
        callbacks=values.get("callbacks", {}),
        batch_size=values["batch_size"],
        seed=values["seed"],
        trainer=trainer,
        logger=logger,
        run_root=Path(values["run_root"]),
        overwrite=values["overwrite"],
        pretrained=pretrained,
        search=search,
        config=OmegaConf.to_yaml(cfg, resolve=True),
    )
    if search is not None:
        for option, choices in search.space.items():  # an option that there is not is told now
            one = choices[0] if isinstance(choices, list) else choices["low"]
            trial_model(name, with_options(model, {option: one}), task, data.features, data.chunks)
    check_places(plan)
    check_model(plan, trial)
    for one, node in plan.callbacks.items():  # built to hear what they say of their options
        build_callback(one, node, directory=plan.run_root)
    return plan


def make_paths_absolute(cfg: DictConfig) -> None:
    """So that the run's config.yaml names the same data wherever `evaluate` is started."""
    for where, node, name in (
        ("", cfg, "run_root"),  # stays as it is: a run's directory is found by whoever reads its name
        ("", cfg, "store_root"),
        ("data.", cfg.data, "root"),
        ("data.", cfg.data, "unlabeled_dir"),
    ):
        value = node.get(name)
        if value == "" or (value is None and name != "unlabeled_dir"):
            raise ConfigurationError(f"{where}{name}: no folder is given; set it, as in {where}{name}=DIR.")
        if value is not None and name != "run_root":
            node[name] = os.path.abspath(os.path.expanduser(str(value)))


def data_plan(values: Mapping[str, Any]) -> DataPlan:
    """The data of a resolved config. Raises ConfigurationError for options that its readers do not take."""
    data = values["data"]
    chunks = _group("data.chunks", data["chunks"], ChunkSettings)
    for name, annotation in DATA_OPTIONS.items():
        check_type(f"data.{name}", data[name], annotation)
    check_type("store_root", values["store_root"], str)
    check_data_values(data)
    reader("data.corpus", data["corpus"])
    reader("data.pool", data["pool"])
    return DataPlan(
        name=data["name"],
        corpus=data["corpus"],
        pool=data["pool"],
        unlabeled_dir=data.get("unlabeled_dir"),
        unlabeled_from=data["unlabeled_from"],
        unlabeled_size=values["unlabeled_size"],
        pool_seed=data["pool_seed"],
        max_bad_files=data["max_bad_files"],
        workers=data["workers"],
        residency=data["residency"],
        store_root=Path(values["store_root"]),
        features=_group("features", values["features"], kind_of(values["features"])),
        chunks=chunks,
    )


def _group(where: str, options: Mapping[str, Any], kind: type) -> Any:
    """A group of options as the dataclass that holds them."""
    check_options(where, options, kind)
    return kind(**options)


def _trainer(options: Mapping[str, Any]) -> TrainerPlan:
    """With the precision as Lightning calls it in full."""
    precision = str(options.get("precision"))  # 32 may be a number
    made: TrainerPlan = _group("trainer", {**options, "precision": precision}, TrainerPlan)
    return replace(made, precision=PRECISIONS.get(precision, precision))


def _model(values: Mapping[str, Any]) -> Node:
    """The model's node with its parts. Raises ConfigurationError for a part that it does not have, or one missing."""
    node = {key: value for key, value in values["model"].items() if key not in BESIDE_ARGUMENTS}
    takes = [name for name in constructor_parameters(model_class(node)) if name not in GIVEN["model"]]
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
        if part in node:
            raise ConfigurationError(f"model.{part}: parts are groups of their own; set {part}=… instead.")
    return node | {part: values[part] for part in PARTS if part in values}
