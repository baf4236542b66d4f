"""Objects from config nodes, with a user's mistakes told as such."""

from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig

from datamodules.errors import DataError
from experiments.console import ConfigurationError


def build(node: DictConfig | dict[str, Any], **arguments: Any) -> Any:
    """Instantiate `node` with plain Python containers, plus `arguments`.

    Raises DataError as the target raised it; a ValueError or TypeError of the target becomes ConfigurationError.
    """
    try:
        return instantiate(node, _convert_="all", **arguments)
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, DataError | KeyboardInterrupt):
            raise cause from None
        if isinstance(cause, ValueError | TypeError):
            raise ConfigurationError(f"{node['_target_'].rsplit('.', 1)[-1]}: {cause}") from error
        raise
