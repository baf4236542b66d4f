"""Several processes on this machine that train together: `python -m experiments.training.launch N OVERRIDES…`.

Started by `experiments.run` for trainer.devices=N. PyTorch's elastic agent, of which torchrun is the command, starts
the processes and ends all when one dies; here its outcome becomes an exit status and a reason.
"""

import logging
import os
import signal
import sys

from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from experiments.console.report_file import report
from experiments.console.user_errors import EXIT_INTERRUPTED
from experiments.jobs.child_process import describe_status, heeded_signals
from experiments.jobs.orphans import end_with_starter, started_by

# That the others have to end after the first; whatever they have not finished, a resumed run does again.
SHUTDOWN_SECONDS = 10


def main(processes: int, overrides: list[str]) -> int:
    """Start them, wait, and return the exit status of the first that failed."""
    end_with_starter()
    os.environ.update(started_by())  # for the processes that train
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)  # its report follows in our words
    # Advice for models that use all parameters in every step, which ours do in some passes only.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    os.environ["TORCH_ELASTIC_SHUTDOWN_TIMEOUT"] = str(SHUTDOWN_SECONDS)
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=f"emocluster-{os.getpid()}",
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        signals_to_handle=",".join(one.name for one in heeded_signals()),
        logs_specs=DefaultLogsSpecs(log_dir=os.devnull),  # else a folder stays in the temporary one
        max_restarts=0,  # a restart is the user's command again, which resumes
    )
    try:
        elastic_launch(config, sys.executable)("-m", "experiments.run", *overrides)
    except ChildFailedError as error:
        failures = {rank: (one.exitcode, one.timestamp) for rank, one in error.failures.items()}
        process, code, hit = first_death(failures)
        status = code if code > 0 else 128 - code
        report(died=process, hit=hit, how=f"process {process} of {processes}: {describe_status(status)}")
        return status
    except SignalException:
        return EXIT_INTERRUPTED
    return 0


def first_death(failures: dict[int, tuple[int, int]]) -> tuple[int, int, bool]:
    """Of the processes that failed the first that did so, its exit code, and whether a signal from outside hit it.

    failures: exit code (negative: a signal's number) and time in seconds of each, in the order in which the agent saw
    them. It looks several times a second, so one that was hit may be seen together with those that lost their
    connection to it; what it ends itself dies by SIGTERM, or later by SIGKILL.
    """
    first = next(iter(failures))
    at_once = failures[first][1] + SHUTDOWN_SECONDS // 2
    hit = [one for one, (code, when) in failures.items() if code < 0 and code != -signal.SIGTERM and when < at_once]
    process = hit[0] if hit else first
    return process, failures[process][0], bool(hit)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
