"""What a whole training costs here, a process of its own: from the command to its predictions, and its most memory."""

import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from datamodules.errors import DataError
from experiments.bench.rows import Row
from experiments.training.bf16 import processor_has_bf16

SECONDS = 6
"""Of every sentence, which is then 11 chunks."""
DEVELOPMENT = 3
"""Labelled sentences to one of the development set."""


def process_costs(chosen: Sequence[str], labeled: int, unlabeled: int) -> Iterator[Row]:
    """A row a model and precision: one round, of U and of L, and everything before and after it.

    The corpus is made, and its features extracted, by a run that is not measured. Raises DataError where one fails.
    """
    corpus = (
        "data=synthetic",
        f"data.corpus.train={labeled}",
        f"data.corpus.development={max(1, labeled // DEVELOPMENT)}",
        "data.corpus.test1=8",
        f"data.corpus.unlabeled={unlabeled}",
        f"data.corpus.min_seconds={SECONDS}",
        f"data.corpus.max_seconds={SECONDS}",
        "data.chunks.max_seconds=11",
        "rounds=1",
        "training_defaults.pretrain_rounds=1",
        "trainer.progress_bar=false",
    )
    precisions = {"fp32": "32-true"} | ({"bf16": "bf16-mixed"} if processor_has_bf16() else {})
    for overrides in chosen:
        with tempfile.TemporaryDirectory() as place:
            given = [*corpus, f"store_root={place}", *overrides.split()]
            cost_of(["experiments.prepare", *given])
            for name, precision in precisions.items():
                runs = Path(place) / name
                cost = cost_of(["experiments.run", *given, f"run_root={runs}", f"trainer.precision={precision}"])
                (history,) = runs.glob("*/history.csv")
                with history.open() as lines:
                    passes = [float(row["seconds"]) for row in csv.DictReader(lines)]
                yield {
                    "options": f"`{overrides}`",
                    "precision": name,
                    "L, U": f"{labeled}, {unlabeled}",
                    "seconds": cost[0],
                    "of them passes": sum(passes),
                    "peak GB": cost[1],
                }


def cost_of(module: Sequence[str]) -> tuple[float, float]:
    """Seconds and gigabytes of `python -m …`. Raises DataError with its last line if it fails."""
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen([sys.executable, "-m", *module], stdout=said, stderr=said)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            said.seek(0)
            raise DataError(f"{module[0]} failed: {(said.read().strip().splitlines() or ['nothing was said'])[-1]}")
    return time.perf_counter() - started, used.ru_maxrss * 1024 / 1e9
