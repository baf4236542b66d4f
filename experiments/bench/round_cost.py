"""What a round of a training costs here, by the program's own Trainer, on simulated sentences of a corpus's size.

Shapes: S sentences, C chunks, T frames, F bins.
"""

import csv
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from datamodules.batch import LABELED, UNLABELED
from experiments.bench.rows import Row
from experiments.bench.simulated import fitted, labels_of, simulated_data
from experiments.bench.timing import measured
from experiments.config.composing import composed
from experiments.config.from_hydra import make_plan
from experiments.training.trainer import make_model, make_trainer

DEVELOPMENT = 0.1
"""Of the labelled sentences, beside them."""


def round_costs(chosen: Sequence[str], labeled: int, unlabeled: int) -> Iterator[Row]:
    """A row a model and set, of the last pass over it, when caches are warm.

    chosen: the options of each model. labeled, unlabeled: sentences of 2.75 to 11 s.
    """
    for overrides in chosen:
        with tempfile.TemporaryDirectory() as place:
            yield from _of_one(overrides, labeled, unlabeled, Path(place))


def _of_one(overrides: str, labeled: int, unlabeled: int, place: Path) -> Iterator[Row]:
    options = (
        "rounds=2",
        "training_defaults.pretrain_rounds=2",
        f"run_root={place}",
        f"store_root={place}",
        "trainer.progress_bar=false",
    )
    plan = make_plan(composed(*options, *overrides.split()))
    sets = {LABELED: labeled, UNLABELED: unlabeled, "development": max(1, round(DEVELOPMENT * labeled))}
    tables = {name: labels_of(count) for name, count in sets.items() if count}
    told = fitted(plan, tables[LABELED])
    data = simulated_data(plan, tables, told)
    model = make_model(plan, told)
    trainer = make_trainer(plan, model, place, False)
    with measured(trainer.strategy.root_device) as whole:
        trainer.fit(model, datamodule=data)
    with (place / "history.csv").open() as lines:
        passes = list(csv.DictReader(lines))
    clustering = _clustering(place)
    last = {row["set"]: row for row in passes}
    of_set = {name: (row, clustering.get(row["pass"])) for name, row in last.items()}
    of_round: dict[str, list[tuple[dict[str, str], float | None]]] = {name: [one] for name, one in of_set.items()}
    of_round["a round"] = [*of_set.values()]
    for name, parts in of_round.items():
        seconds = sum(float(row["seconds"]) for row, _ in parts)
        labelling = sum(took or 0.0 for _, took in parts) if clustering else None
        yield {
            "options": f"`{overrides}`",
            "set": name,
            "sentences": sum(sets[row["set"]] for row, _ in parts),
            "batches": sum(int(row["batches"]) for row, _ in parts),
            "seconds": seconds,
            "of them embedding and k-means": labelling,
            "share": None if labelling is None else labelling / seconds,
            "GPU GB": whole.device_gb,
        }


def _clustering(place: Path) -> dict[str, float]:
    """Seconds of each pass's re-labelling, where there is one."""
    file = place / "clusters.csv"
    if not file.is_file():
        return {}
    with file.open() as lines:
        return {row["pass"]: float(row["seconds"]) for row in csv.DictReader(lines)}
