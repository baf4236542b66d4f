"""Sentence predictions of a model on its sets, and the numbers made of them.

Shapes: S sentences, A attributes.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from rich.console import Console
from rich.table import Table

from callbacks.errors import TrainingDiverged
from datamodules.datamodule import ChunkDataModule
from datamodules.processes import gather_rows, rank
from sermodels.functional import concordance
from sermodels.module import EmotionModule


@torch.no_grad()
def predict_set(model: EmotionModule, data: ChunkDataModule, set_name: str) -> pd.DataFrame:
    """utterance_id, speaker, attribute, truth, prediction of a set, on the corpus's own scale, in fp32."""
    model.eval()
    batches = data.in_order(set_name, model.device, model.dtype)
    ids, parts = zip(*((batch.sentence_ids.cpu(), model(batch.chunks).cpu()) for batch in batches), strict=True)
    order = gather_rows(torch.cat(ids)).argsort()
    predictions = gather_rows(torch.cat(parts))[order].double().numpy()
    if not np.isfinite(predictions).all():
        raise TrainingDiverged(
            f"predictions of {set_name} are not numbers: the training has diverged; lower its rates."
        )
    table = data.sets[set_name].table
    front_end = data.front_end
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "utterance_id": table["utterance_id"].astype(str),
                    "speaker": table["speaker"].astype(str),
                    "attribute": name,
                    "truth": table[name].astype(float),
                    "prediction": predictions[:, column] * front_end.label_std[name] + front_end.label_mean[name],
                }
            )
            for column, name in enumerate(model.attributes)
        ],
        ignore_index=True,
    )


def score(predictions: pd.DataFrame) -> dict[str, Any]:
    """`{"n": rated sentences, "ccc": {attribute: CCC}}`; a set without ratings has n 0 and no CCC."""
    rated = predictions[predictions["truth"].notna()]
    ccc = {
        str(name): float(
            concordance(
                torch.tensor(rows["prediction"].to_numpy(np.float64)),
                torch.tensor(rows["truth"].to_numpy(np.float64)),
            )
        )
        for name, rows in rated.groupby("attribute", sort=False)
    }
    return {"n": int(rated["utterance_id"].nunique()), "ccc": ccc}


def evaluate_sets(model: EmotionModule, data: ChunkDataModule, set_names: list[str], directory: Path) -> dict[str, Any]:
    """Score every set and write its `predictions-<set>.parquet`."""
    scores = {}
    for name in set_names:
        predictions = predict_set(model, data, name)
        if rank() == 0:
            predictions.to_parquet(directory / f"predictions-{name}.parquet", index=False)
        scores[name] = score(predictions)
    return scores


def is_test_set(name: str) -> bool:
    """Whether a set is one of the corpus's test sets."""
    return name.startswith("test")


def show(metrics: dict[str, Any], directory: Path) -> None:
    """A run's result as a table: what, on which corpus and labels, how many sentences, CCC."""
    if rank() != 0:
        return
    corpus = metrics["corpus"]
    table = Table(title=f"{metrics['model']} on {corpus['name']} ({corpus['version']})", title_justify="left")
    sets = {"validation": metrics["validation"]} if "validation" in metrics else {}
    sets |= metrics["test"]
    names = list(dict.fromkeys(name for result in sets.values() for name in result["ccc"]))
    table.add_column("set")
    table.add_column("sentences", justify="right")
    for name in names:
        table.add_column(f"CCC {name}", justify="right")
    for set_name, result in sets.items():
        cells = [f"{result['ccc'][name]:.4f}" if name in result["ccc"] else "not rated" for name in names]
        table.add_row(set_name, str(result["n"]), *cells)
    console = Console(highlight=False)
    console.print(table)
    trained_on = metrics.get("trained_on", corpus)
    console.print(
        f"{corpus['labels']}; trained on {trained_on['labeled']} labelled and {trained_on['unlabeled']} unlabelled "
        f"sentences of {trained_on['name']}, seed {metrics['seed']}\n{directory}",
        soft_wrap=True,
        markup=False,
    )
