"""How long the missing runs of a table will take on this machine."""

import json
import logging
from collections.abc import Sequence

from experiments.bench.chunk_cost import measure, shape_of, untrained
from experiments.report.runs import DONE, TableRun, chunks_of

log = logging.getLogger(__name__)

START_SECONDS = 8.0  # a process, the data's index, and the predictions; measured on two cores
SENTENCES, REPEATS = 2, 1  # measured where no run of the kind has been timed


def estimated_seconds(runs: Sequence[TableRun]) -> float | None:
    """Of the runs that are not done, by seconds a chunk of finished ones with the same network, else measured now.

    None where nothing can be said: searches, rows of pieces, and a GPU, where none was timed; or data that have not
    been prepared.
    """
    rates = _timed([one for one in runs if one.state == DONE])
    total = 0.0
    for one in (one for one in runs if one.state != DONE):
        if not one.sizes:
            return None
        key = _network(one)
        if key not in rates:
            unknown = one.plan.search is not None or one.plan.data.features.frames_a_piece is not None
            if unknown or one.plan.trainer.accelerator != "cpu":
                return None
            log.info("measuring what a chunk costs here: %s", one.plan.model_name)
            bf16 = "bf16" in one.plan.trainer.precision
            cost = measure(untrained(one.plan), bf16, SENTENCES, REPEATS, shape_of(one.plan))
            rates[key] = (cost.step + cost.embedding) / 1e3
        total += START_SECONDS + rates[key] * _chunks(one)
    return total


def _timed(runs: Sequence[TableRun]) -> dict[str, float]:
    """Seconds a chunk of every network that was trained."""
    seconds: dict[str, float] = {}
    chunks: dict[str, int] = {}
    for one in runs:
        assert one.run is not None  # it is done
        key = _network(one)
        seconds[key] = seconds.get(key, 0.0) + one.run.environment["seconds"]
        chunks[key] = chunks.get(key, 0) + _chunks(one)
    return {key: seconds[key] / chunks[key] for key in seconds if chunks[key]}


def _chunks(one: TableRun) -> int:
    return chunks_of(one.plan.data, one.sizes, one.plan.passes)


def _network(one: TableRun) -> str:
    """The same for runs whose chunks cost the same."""
    trainer = one.plan.trainer
    return json.dumps([one.plan.model, trainer.precision, trainer.accelerator, trainer.processes], sort_keys=True)
