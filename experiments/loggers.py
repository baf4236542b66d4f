"""Weights & Biases beside the CSV files that are always written."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from omegaconf import DictConfig
from pytorch_lightning.loggers import Logger

from experiments.console import ConfigurationError
from experiments.run_directory import RunDirectory


@contextmanager
def open_loggers(cfg: DictConfig, directory: RunDirectory, settings: dict[str, Any]) -> Iterator[list[Logger]]:
    """The run's loggers, always finished. A resumed run goes on with its own curve: its id lies in `wandb_id`."""
    if cfg.logger.backend is None:
        yield []
        return
    if cfg.logger.backend != "wandb":
        raise ConfigurationError(f"logger.backend is wandb or null, not {cfg.logger.backend!r}.")
    import wandb
    from pytorch_lightning.loggers import WandbLogger

    id_file = directory.path / "wandb_id"
    if not id_file.exists():
        # Random, not the run's hash: equal hashes would merge the curves of two machines.
        id_file.write_text(secrets.token_hex(8))
    logger = WandbLogger(
        project=cfg.logger.project,
        name=directory.path.name,
        id=id_file.read_text().strip(),
        save_dir=directory.path,
        offline=cfg.logger.offline,
        resume=None if cfg.logger.offline else "allow",
        config=settings,
        log_model=False,
    )
    try:
        yield [logger]
    finally:
        wandb.finish()
