"""What torchrun or SLURM told this process of the others, in variables that anybody may have set."""

import os
import re

from datamodules.errors import ConfigurationError

COUNTS = ("WORLD_SIZE", "LOCAL_WORLD_SIZE", "SLURM_NTASKS", "SLURM_NNODES")
NUMBERS = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID")
NEEDED_TO_MEET = ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


def started_processes() -> int:
    """How many processes torchrun, of which this is one, started for the training; 1 for a plain start.

    Raises ConfigurationError for variables that make no sense.
    """
    for name in (*COUNTS, *NUMBERS):
        value = os.environ.get(name)
        if value is not None and not (re.fullmatch("[0-9]{1,9}", value) and int(value) >= (name in COUNTS)):
            raise ConfigurationError(
                f"the environment has {name}={value[:20]!r}, no number of processes; unset it, or start by torchrun."
            )
    count = int(os.environ.get("WORLD_SIZE", "1"))
    missing = [name for name in NEEDED_TO_MEET if count > 1 and name not in os.environ]
    if missing or int(os.environ.get("RANK", "0")) >= count:
        told = f"and no {', '.join(missing)}" if missing else f"and RANK={os.environ['RANK']}"
        raise ConfigurationError(
            f"the environment has WORLD_SIZE={count} {told}, so the processes cannot meet; start them by torchrun "
            "(docs/cluster.md), or unset both."
        )
    return count
