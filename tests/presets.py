"""The presets of conf/features as the paper's fidelity resolves them."""

from omegaconf import OmegaConf

from datamodules.features import FeatureSettings
from experiments import CONF


def feature_settings(name: str) -> FeatureSettings:
    cfg = OmegaConf.create(
        {
            "features": OmegaConf.load(CONF / "features" / f"{name}.yaml"),
            "fidelity": OmegaConf.load(CONF / "fidelity" / "paper.yaml"),
        }
    )
    return FeatureSettings(**OmegaConf.to_container(cfg, resolve=True)["features"])
