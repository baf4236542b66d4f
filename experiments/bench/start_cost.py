"""How long a user waits: from the command to the first batch, and for the answer of a training that is done."""

import re
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from datamodules.errors import DataError
from experiments.bench.process_cost import cost_of
from experiments.bench.rows import Row
from experiments.bench.timing import Spread

CORPUS = (
    "data=synthetic",
    "data.corpus.train=12",
    "data.corpus.development=6",
    "data.corpus.test1=6",
    "data.corpus.unlabeled=8",
    "data.corpus.max_seconds=4",
    "unlabeled_size=8",
    "rounds=1",
    "trainer.progress_bar=false",
)
BEGINS = re.compile(r"^(\S+ \S+),(\d{3}) INFO .* passes over .* parameters", re.MULTILINE)
"""The line of run.log after which the first batch is drawn."""


def start_costs(overrides: str, repeats: int) -> Iterator[Row]:
    """A row for each of the two, on a corpus of a few sentences whose features are there.

    Raises DataError where a run fails.
    """
    waited: dict[str, list[float]] = {"first batch": [], "answer of a run that is done": []}
    with tempfile.TemporaryDirectory() as place:
        given = [*CORPUS, f"store_root={place}", *overrides.split()]
        cost_of(["experiments.prepare", *given])
        for number in range(repeats):
            command = ["experiments.run", *given, f"run_root={place}/{number}"]
            typed = time.time()
            cost_of(command)
            (log,) = Path(place, str(number)).glob("*/run.log")
            waited["first batch"].append(_moment(log) - typed)
            waited["answer of a run that is done"].append(cost_of(command)[0])
    for name, seconds in waited.items():
        took = Spread.of(seconds)
        yield {
            "what": f"`{overrides}`: {name}",
            **took.cells("seconds"),
        }


def _moment(log: Path) -> float:
    found = BEGINS.search(log.read_text())
    if found is None:
        raise DataError(f"{log}: does not say when its training began.")
    return datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").timestamp() + int(found[2]) / 1e3
