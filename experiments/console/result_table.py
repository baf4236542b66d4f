"""A run's result as a table."""

import math
from pathlib import Path

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
    for name in dict.fromkeys(name for one in scores.values() for name in one):
        table.add_row(name, *(_cell(one[name]) if name in one else "not rated" for one in scores.values()))
    console = Console(highlight=False)
    console.print(table)
    trained_on = metrics.trained_on or corpus
    console.print(
        f"{corpus['labels']}; trained on {trained_on['labeled']} labelled and {trained_on['unlabeled']} unlabelled "
        f"sentences of {trained_on['name']}, seed {metrics.seed}\n{directory}",
        soft_wrap=True,
        markup=False,
    )


def _cell(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.4f}"
