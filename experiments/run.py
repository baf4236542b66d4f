"""Train one model: `python -m experiments.run model=acg_emocluster data=msp_podcast data.root=…`."""

from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from experiments.console import user_errors
from experiments.logs import log_to_console

CONF = str(Path(__file__).resolve().parents[1] / "conf")


@hydra.main(config_path=CONF, config_name="config", version_base="1.3")
def main(cfg: DictConfig) -> float | None:
    """Train, print the result, and return the validation CCC, which a sweep's optimiser maximises."""
    log_to_console()
    with user_errors():
        from experiments.evaluation import show
        from experiments.training import train

        metrics, directory = train(cfg, list(HydraConfig.get().overrides.task))
        show(metrics, directory)
        values = list(metrics["validation"]["ccc"].values())
        return sum(values) / len(values)
    return None


if __name__ == "__main__":
    main()
