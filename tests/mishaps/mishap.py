"""A callback that ends a process in the middle of a training, as the world does now and then."""

import os
import resource
import signal
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch


class Mishap(pl.Callback):
    """In process `process`, before pass 1, where `value` is what the variable MISHAP says.

    A variable and not an option, so that the run is the same without the mishap.
    kind: `diverge` to NaN, `raise` an exception, `exit` without a word, `kill` as the system does for memory, `memory`
    until a limit.
    """

    def __init__(self, kind: str, value: Any, process: int = 0, **_: Any) -> None:
        self.kind, self.happens, self.process = kind, str(value) == os.environ.get("MISHAP"), process

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not self.happens or trainer.global_rank != self.process or trainer.current_epoch != 1:
            return
        if self.kind == "diverge":
            with torch.no_grad():
                next(pl_module.parameters()).fill_(torch.nan)
        if self.kind == "raise":
            raise RuntimeError("the roof fell in")
        if self.kind == "exit":
            os._exit(9)
        if self.kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind == "memory":
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, used + 2**28))
            torch.ones(2**30)
