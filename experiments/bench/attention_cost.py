"""What a chunk costs by the number of Attn-Conv blocks and by the window that keys are averaged over, in turn.

Zhao et al. (2023, section 5) report 2.3 times the training time for seven blocks over four.
"""

from collections.abc import Iterator

from experiments.bench.chunk_cost import chunk_batch, shape_of, step_of, untrained
from experiments.bench.rows import Row
from experiments.bench.timing import in_turn
from experiments.config.composing import composed
from experiments.config.from_hydra import make_plan

ENCODERS = {"4 blocks": "encoder=parallel", "7 blocks": "encoder=parallel_acn_l"}
WINDOWS = {8: 8, 4: 8, 1: 1}
"""kv_pool -> sentences of 11 chunks a batch: literal attention costs a hundred times as much."""


def attention_costs(repeats: int) -> Iterator[Row]:
    """A row a number of blocks and window: a training step in fp32."""
    for window, sentences in WINDOWS.items():
        steps = {}
        for name, encoder in ENCODERS.items():
            options = ("model=acg_emocluster", encoder, f"encoder.kv_pool={window}", "data.chunks.max_seconds=11")
            plan = make_plan(composed(*options))
            model = untrained(plan)
            steps[name] = step_of(model, chunk_batch(model, sentences, shape_of(plan)), False)
        found = in_turn(steps, repeats)
        chunks = sentences * 11
        for name, took in found.items():
            yield {
                "what": f"kv_pool {window}, {name}",
                **took.cells("ms a chunk", 1e3 / chunks),
                "times 4 blocks": took.median / found["4 blocks"].median,
            }
