"""A run's result as a table."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from experiments.results.metrics import Metrics, flat_scores


def show_result(metrics: Metrics, directory: Path) -> None:
    """What, on which corpus and labels, how many sentences, and every score; and where it lies."""
    corpus = metrics.corpus
    table = Table(title=f"{metrics.model} on {corpus['name']} ({corpus['version']})", title_justify="left")
    scores = {name: flat_scores(one) for name, one in metrics.sets.items()}
    table.add_column("")
    for set_name in scores:
        table.add_column(set_name, justify="right")
    table.add_row("sentences", *(str(metrics.sets[set_name]["n"]) for set_name in scores))
    for count in dict.fromkeys(name for one in metrics.sets.values() for name in one if name.startswith("n_")):
        shown = count.removeprefix("n_").replace("_", " ")
        left_out = "left out: " if shown.startswith("other") else ""
        table.add_row(left_out + shown, *(str(one.get(count, 0)) for one in metrics.sets.values()))
    for name in dict.fromkeys(name for one in scores.values() for name in one):
        table.add_row(
            name,
            *(_cell(one[name]) if name in one else _absent(metrics.sets[set_name]) for set_name, one in scores.items()),
        )
    console = Console(highlight=False, markup=False)  # names may hold anything
    console.print(table)
    trained_on = metrics.trained_on or corpus
    counts = f"{trained_on.get('labeled')} labelled and {trained_on.get('unlabeled')} unlabelled sentences of "
    taught_by = (counts if trained_on.get("labeled") else "") + trained_on["name"]
    seed = "" if metrics.seed is None else f", seed {metrics.seed}"
    console.print(
        f"{corpus['labels']}; trained on {taught_by}{seed}\n{directory}",
        soft_wrap=True,
    )


def _absent(scores: Mapping[str, Any]) -> str:
    """A set without ratings, or a category that does not occur in one that has."""
    return "–" if scores["n"] else "not rated"


def _cell(value: float) -> str:
    return "not defined" if math.isnan(value) else f"{value:.4f}"
