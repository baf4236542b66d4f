"""Several processes on this machine that train together: `python -m experiments.launch N OVERRIDES…`.

Started by `experiments.run` for trainer.devices=N. PyTorch's elastic agent, of which torchrun is the command, starts
the processes and ends all when one dies; here its outcome becomes an exit status and a reason.
"""

import logging
import os
import signal
import sys

from torch.distributed.elastic.multiprocessing import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from experiments.jobs import describe_status
from experiments.telling import tell


def main(processes: int, overrides: list[str]) -> int:
    """Start them, wait, and return the exit status of the first that failed."""
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)  # its report follows in our words
    # Advice for models that use all parameters in every step, which ours do in some passes only.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    # Seconds that the others have to end after the first; whatever they have not finished, a resumed run does again.
    os.environ.setdefault("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", "10")
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=f"emocluster-{os.getpid()}",
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=0,  # a restart is the user's command again, which resumes
    )
    try:
        elastic_launch(config, sys.executable)("-m", "experiments.run", *overrides)
    except ChildFailedError as error:
        process, code = first_death({rank: failure.exitcode for rank, failure in error.failures.items()})
        status = code if code > 0 else 128 - code
        tell(died=process, how=f"process {process} of {processes}: {describe_status(status)}")
        return status
    except SignalException as error:
        return 128 + error.sigval
    return 0


def first_death(codes: dict[int, int]) -> tuple[int, int]:
    """Of the processes that failed the one that did so first, and its exit code (negative: a signal's number).

    The agent looks several times a second, so two may seem to have failed at once. SIGTERM is how it ends the others;
    any other signal came from outside, and what it hit did not fail because of another process.
    """
    own = {process: code for process, code in codes.items() if code != -signal.SIGTERM} or codes
    hit = {process: code for process, code in own.items() if code < 0} or own
    return next(iter(hit.items()))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
