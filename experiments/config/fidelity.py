"""The switches of conf/fidelity. A preset sets them all; each that a run reads may also be set alone.

A run reads a switch where its config refers to it, so nothing here knows the models. The switches it does not read are
as the chosen preset has them, which tells which one that was.
"""

from omegaconf import DictConfig

from datamodules.errors import ConfigurationError
from experiments.config.composing import choices, shipped


def check_fidelity(cfg: DictConfig, read: set[str]) -> None:
    """Refuse switches set for nobody, and `released` without a program. Raises ConfigurationError.

    read: what `options_read` found.
    """
    ignored = {switch: value for switch, value in cfg.fidelity.items() if f"fidelity.{switch}" not in read}
    presets = {name: shipped(f"fidelity/{name}.yaml") for name in choices("fidelity")}
    differing = {
        name: [switch for switch, value in ignored.items() if preset.get(switch) != value]
        for name, preset in presets.items()
    }
    for switch in presets["paper"]:
        if switch not in cfg.fidelity:
            raise ConfigurationError(f"fidelity.{switch}: every preset has it; leave it as it was.")
    chosen = min(differing, key=lambda name: len(differing[name]))
    if differing[chosen]:
        switch = differing[chosen][0]
        raise ConfigurationError(
            f"fidelity.{switch}={ignored[switch]}: this run does not read that switch (docs/fidelity.md says which "
            "models do); leave it out."
        )
    if chosen == "released" and not cfg.model.get("released_program", True):
        raise ConfigurationError(
            f"fidelity=released: its authors released no program of model={cfg.model.name}; take fidelity=paper."
        )
    if chosen == "released" and not cfg.task.get("released_program", True):
        raise ConfigurationError(
            "fidelity=released: the released programs tell attributes; take task=attributes, or fidelity=paper."
        )
    # Of the other switches the class that is given them says what they may be.
    samplers = sorted({str(preset["vanilla_sampler"]) for preset in presets.values()})
    if cfg.fidelity.vanilla_sampler not in samplers and "vanilla_sampler" not in ignored:
        raise ConfigurationError(
            f"fidelity.vanilla_sampler={cfg.fidelity.vanilla_sampler}: take one of {', '.join(samplers)}."
        )
