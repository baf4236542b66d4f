"""Programs of ours in forked processes, each under strace, which kills it or fails it at one system call.

This process has imported everything once, so that a case takes seconds; it reads a line of JSON a case and answers one.
"""

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

for name in (
    *("experiments.training.one_run", "experiments.config.from_hydra", "experiments.config.hydra_job"),
    *("pytorch_lightning", "faiss", "pandas", "pyarrow.parquet", "sklearn.metrics", "librosa", "hydra", "optuna"),
):
    __import__(name)


def program(module: str, arguments: list[str], said: str) -> None:
    """In the child: stop until strace holds it, then be that program."""
    output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number in (1, 2):
        os.dup2(output, number)
    os.kill(os.getpid(), signal.SIGSTOP)
    sys.argv = [module, *arguments]
    status = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def run(case: dict) -> int:
    """The exit status of a case, negative for a signal's."""
    child = os.fork()
    if not child:
        program(case["module"], case["arguments"], case["said"])
    os.waitpid(child, os.WUNTRACED)
    tracer = None
    if case["strace"]:
        trace = Path(case["trace"])
        trace.unlink(missing_ok=True)
        tracer = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", str(trace), *case["strace"], "-p", str(child)], stderr=subprocess.DEVNULL
        )
        while f"TracerPid:\t{tracer.pid}" not in Path(f"/proc/{child}/status").read_text():
            if tracer.poll() is not None:
                os.kill(child, signal.SIGKILL)
                raise SystemExit("strace cannot hold a process here")
            time.sleep(0.005)
    os.kill(child, signal.SIGCONT)
    _, status = os.waitpid(child, 0)
    if tracer is not None:
        tracer.wait()
    return os.waitstatus_to_exitcode(status)


for line in sys.stdin:
    print(json.dumps({"status": run(json.loads(line))}), flush=True)
