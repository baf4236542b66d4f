"""Hydra's config is read in one room; what comes after works on plans."""

import ast

import pytest

from experiments import CONF

EXPERIMENTS = CONF.parent / "experiments"
HYDRAS = {"DictConfig", "OmegaConf", "omegaconf"}
# The sentence for an option that is missing, or refers to one that is: OmegaConf raises both while Hydra hands over
# a config, before there is a plan and thus outside experiments.config.
SENTENCES = {
    "console/user_errors.py": {"omegaconf", "omegaconf.errors.MissingMandatoryValue"}
    | {"omegaconf.errors.InterpolationResolutionError"}
}
OTHERS = sorted(
    str(path.relative_to(EXPERIMENTS))
    for path in EXPERIMENTS.rglob("*.py")
    if path.parent not in (EXPERIMENTS, EXPERIMENTS / "config")
)


def mentioned(source: str) -> set[str]:
    """What a module says of OmegaConf, comments and docstrings aside."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "omegaconf":
            found |= {f"{node.module}.{one.name}" for one in node.names} | {"omegaconf"}
        elif isinstance(node, ast.Import):
            found |= {one.name.split(".")[0] for one in node.names}
        elif isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
    return {one for one in found if one in HYDRAS or one.startswith("omegaconf")}


@pytest.mark.parametrize("module", OTHERS)
def test_only_the_room_of_configs_knows_what_a_config_is(module: str) -> None:
    assert mentioned((EXPERIMENTS / module).read_text()) == SENTENCES.get(module, set())


def test_it_would_be_noticed() -> None:
    assert mentioned("from omegaconf import DictConfig") == {"omegaconf", "omegaconf.DictConfig"}
    assert mentioned("import omegaconf.errors") == {"omegaconf"}
    assert mentioned("def f(cfg: 'X') -> None:\n    return OmegaConf.load(cfg)") == {"OmegaConf"}
    assert len(OTHERS) > 30
