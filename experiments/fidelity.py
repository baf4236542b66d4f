"""The switches of conf/fidelity. A preset sets them all; each that a run reads may also be set alone.

A run reads a switch where its config refers to it, so nothing here knows the models. The switches it does not read are
as the chosen preset has them, which tells which one that was.
"""

import re

from omegaconf import DictConfig, OmegaConf

from callbacks.checkpoints import CRITERIA
from experiments import CONF
from experiments.console import ConfigurationError

# What no constructor checks.
CHOICES = {"criterion": tuple(CRITERIA), "vanilla_sampler": ("ChunkUniform", "Natural")}


def check_fidelity(cfg: DictConfig) -> None:
    """Refuse values that mean nothing, switches set for nobody, and `released` without a program.

    Raises ConfigurationError. Call it before the config is resolved, and before a sampler is looked up.
    """
    # The best model is chosen in every run; all else is referred to by the model's or the sampler's yaml.
    read = {"criterion", *re.findall(r"\$\{fidelity\.(\w+)\}", OmegaConf.to_yaml(cfg, resolve=False))}
    for switch in sorted(read & set(CHOICES)):
        value = cfg.fidelity.get(switch)
        if value not in CHOICES[switch]:
            raise ConfigurationError(f"fidelity.{switch}={value}: take one of {', '.join(CHOICES[switch])}.")
    ignored = {switch: value for switch, value in cfg.fidelity.items() if switch not in read}
    presets = {path.stem: OmegaConf.load(path) for path in sorted((CONF / "fidelity").glob("*.yaml"))}
    differing = {
        name: [switch for switch, value in ignored.items() if preset.get(switch) != value]
        for name, preset in presets.items()
    }
    chosen = min(differing, key=lambda name: len(differing[name]))
    if differing[chosen]:
        switch = differing[chosen][0]
        raise ConfigurationError(
            f"fidelity.{switch}={ignored[switch]}: this run does not read that switch, which is of "
            f"{', '.join(_readers(switch)) or 'nothing'}; leave it out."
        )
    if chosen == "released" and not cfg.model.get("released_program", True):
        raise ConfigurationError(
            f"fidelity=released: its authors released no program of model={cfg.model.name}; take fidelity=paper."
        )


def _readers(switch: str) -> list[str]:
    """The choices of the config that refer to a switch, and the models that choose those, as in a command line."""
    texts = {path: path.read_text() for path in sorted(CONF.glob("*/*.yaml"))}
    refer = [path for path, text in texts.items() if f"${{fidelity.{switch}}}" in text]
    chosen = [f"/{one.parent.name}@_global_.{one.parent.name}: {one.stem}\n" for one in refer]
    choosing = [path for path, text in texts.items() if any(one in text for one in chosen)]
    return [f"{path.parent.name}={path.stem}" for path in (*refer, *choosing)]
