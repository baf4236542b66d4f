"""Hydra's config without Hydra's command line: for programs with arguments of their own, notebooks and tests."""

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from experiments import CONF


def composed(*overrides: str) -> DictConfig:
    """The config that these options make, as `experiments.run` would have it."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", overrides=list(overrides))


def choices(group: str) -> list[str]:
    """What may be chosen of a group of conf/, in alphabetical order.

    >>> choices("fidelity")
    ['literal', 'paper', 'released']
    """
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))
