"""What Hydra would answer with a traceback, told before it is asked."""

from collections.abc import Sequence

from datamodules.errors import ConfigurationError
from experiments import CONF


def refuse_null_groups(arguments: Sequence[str]) -> None:
    """Raise ConfigurationError for a group that is set to null, as in `encoder=null`."""
    for argument in arguments:
        group, _, choice = argument.lstrip("+").partition("=")
        name = group.partition("@")[0]
        if choice in ("null", "None", "") and name and (CONF / name).is_dir():
            raise ConfigurationError(f"{argument}: null is no choice; take one of conf/{name}, or leave {name} out.")
