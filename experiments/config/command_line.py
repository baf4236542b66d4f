"""What a command line, and the files it names, must not say; told before Hydra acts on it."""

import os
import re
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path, get_args_parser
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from datamodules.errors import ConfigurationError
from experiments import CONF
from experiments.config.composing import files_told, refusal

# Hydra builds its launchers, sweepers and callbacks itself; these are what may be named for them. Everything else of
# the config is built by experiments.config.targets.
HYDRAS_OWN = re.compile(r"(hydra\._internal|hydra_plugins|optuna\.samplers|experiments\.jobs\.sweeps)\.[\w.]+")
# Options by which Hydra would unpickle a file, or read another program's config.
REFUSED = {"experimental_rerun": "--experimental-rerun", "config_path": "--config-path"}
# Flags by which Hydra shows something and starts nothing.
SHOWN = ("help", "hydra_help", "cfg", "info", "shell_completion")


def check_command_line(arguments: Sequence[str]) -> None:
    """Raise ConfigurationError for what would end in a traceback, and for what would have Hydra run foreign code.

    Also for what cannot be composed, of which Hydra has several lines to say.
    """
    try:
        parsed = get_args_parser().parse_args(list(arguments))
    except SystemExit:  # Hydra will say what it cannot read
        return
    for name, flag in REFUSED.items():
        if getattr(parsed, name):
            raise ConfigurationError(f"{flag}: is not taken here; give a folder of your own with --config-dir.")
    groups = {str(path.relative_to(CONF)) for path in CONF.rglob("*") if path.is_dir()}
    for argument in parsed.overrides:
        name, equals, choice = argument.lstrip("+").partition("=")
        name = name.partition("@")[0]
        if not equals or name not in groups:
            continue
        if choice in ("null", "None", ""):
            raise ConfigurationError(f"{argument}: null is no choice; take one of conf/{name}, or leave {name} out.")
        if choice[0] in "[{":
            raise ConfigurationError(f"{argument}: {name} is one choice; take one of conf/{name}.")
    # As for a sweep, which a command line may be.
    try:
        cfg = _composed(parsed, parsed.overrides, RunMode.MULTIRUN)
    except ConfigurationError:
        if parsed.help or parsed.hydra_help:  # which Hydra shows whatever else was typed
            return
        raise
    for where, target in _named(OmegaConf.to_container(cfg.hydra, resolve=False), "hydra"):
        if not HYDRAS_OWN.fullmatch(str(target)):
            raise ConfigurationError(
                f"{where}={target}: only Hydra's own launchers, sweepers and callbacks may be named."
            )
    if parsed.multirun or cfg.hydra.mode == RunMode.MULTIRUN:
        _composed(parsed, _of_first_job(parsed.overrides), RunMode.RUN)
        _require_folder("hydra.sweep.dir", Path(str(cfg.hydra.sweep.dir)))
    elif not any(getattr(parsed, name) for name in SHOWN):
        _refuse_several_values(parsed.overrides)
        # Hydra would make it, and has no sentence for where it cannot.
        Path(str(cfg.hydra.run.dir)).mkdir(parents=True, exist_ok=True)


def _composed(parsed: Namespace, overrides: Sequence[str], mode: RunMode) -> DictConfig:
    """As Hydra itself will compose it, so that nothing is seen here that is not built there."""
    places = create_config_search_path(str(CONF))
    if parsed.config_dir:
        folder = f"file://{os.path.abspath(parsed.config_dir)}"
        places.prepend("command-line", folder, SearchPathQuery(provider="schema"))
    try:
        hydra = Hydra.create_main_hydra2("check", places)
        with files_told():
            return hydra.compose_config(parsed.config_name or "config", list(overrides), mode)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigurationError(refusal(error)) from error
    finally:
        GlobalHydra.instance().clear()


def _of_first_job(overrides: Sequence[str]) -> list[str]:
    """Of options that stand for several jobs those of one; of a sampler's distribution, none."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    of_one = []
    for one in parsed:
        if not one.is_sweep_override():
            of_one.append(str(one.input_line))
        elif one.is_discrete_sweep():
            of_one.append(f"{one.get_key_element()}={next(iter(one.sweep_string_iterator()))}")
    return of_one


def _refuse_several_values(overrides: Sequence[str]) -> None:
    for one in OverridesParser.create().parse_overrides(list(overrides)):
        if one.is_sweep_override():
            raise ConfigurationError(
                f"{one.input_line}: is several values; put -m before it to run each, or write one list as [a,b]."
            )


def _require_folder(where: str, folder: Path) -> None:
    """Hydra makes it itself, and has no sentence for where it cannot."""
    there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        raise ConfigurationError(f"{where}={folder}: {there} cannot be written; set {where} elsewhere.")


def _named(node: Any, where: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("_target_", "()") or (key == "class" and not str(value).startswith("logging.")):
                yield f"{where}.{key}", value
            else:
                yield from _named(value, f"{where}.{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from _named(value, f"{where}.{number}")
