"""Hydra's config without Hydra's command line: for programs with arguments of their own, notebooks and tests."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from types import MappingProxyType
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from datamodules.errors import ConfigurationError, is_out_of_memory
from experiments import CONF


def composed(*overrides: str) -> DictConfig:
    """The config that these options make, as `experiments.run` would have it."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", overrides=list(overrides))


@contextmanager
def files_told() -> Iterator[None]:
    """Raise ConfigurationError for a file of options that is none; what Hydra says of options stays."""
    try:
        yield
    except (HydraException, OmegaConfBaseException):
        raise
    except Exception as error:  # of a file Hydra lets out whatever reading it raised
        if is_out_of_memory(error):
            raise
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise ConfigurationError(f"a file of options cannot be read ({reason}); mend it, or name another.") from error


def composed_or_refused(*overrides: str) -> DictConfig:
    """The same. Raises ConfigurationError for options that make none."""
    try:
        with files_told():
            return composed(*overrides)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigurationError(refusal(error)) from error


def refusal(error: Exception) -> str:
    """What Hydra says of options that make no config, in a sentence; it has several lines, and advice for all cases."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[0].rstrip(".:") if lines else type(error).__name__
    for line in lines[1:]:  # what may be chosen stands below, a line each
        if line.startswith("Available options in"):
            known = lines[lines.index(line) + 1 :]
            known = known[: next((at for at, one in enumerate(known) if one.startswith("Config search")), len(known))]
            return f"{said}; take one of {', '.join(known)}."
    return f"{said}; mend the options (python -m experiments.run --cfg job lists all that there are)."


@cache
def shipped(name: str) -> Mapping[str, Any]:
    """What a file of conf/ says, references as they stand there."""
    found: Any = OmegaConf.to_container(OmegaConf.load(CONF / name), resolve=False)
    return MappingProxyType({str(key): value for key, value in found.items()})


def choices(group: str) -> list[str]:
    """What may be chosen of a group of conf/, in alphabetical order.

    >>> choices("fidelity")
    ['literal', 'paper', 'released']
    """
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))
