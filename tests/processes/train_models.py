"""Train every model family in however many processes this program is started in, and write down what came out.

python -m torch.distributed.run --standalone --nproc_per_node 2 train_models.py OUT.json 64-true ULUL 6 temp_gru
"""

import json
import sys
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import tiny_training
import torch

import datamodules.datamodule as datamodule_module
from callbacks.pseudo_labels import embed_set
from datamodules.processes import from_first, rank
from experiments.jobs.job import started_processes
from experiments.results.scoring import predict_set
from experiments.training.joining import join_processes, leave_processes

# Beside the models of conf/model, which each go by their own name: name -> model and options.
VARIANTS = {
    "deep_emocluster_released": ("deep_emocluster", "fidelity=released"),
    "deep_emocluster_by_part": ("deep_emocluster", "optimization.ownership=by_part", "sampler=sentence"),
    "temp_triplet_released": ("temp_triplet", "fidelity=released"),
    "acg_serial": ("acg_emocluster", "encoder=acn_b", "temporal_net=bigru"),
    "cnn_laddernet_by_part": ("cnn_laddernet", "optimization.ownership=by_part", "sampler=natural_sentence"),
    "categories": ("temp_gru", "task=categories", "task.class_weights=balanced"),
}


def train(name: str, processes: int, precision: str, passes: str, batch_size: int, directory: Path) -> dict:
    """Losses of every pass, clusters, development scores, predictions and running statistics."""
    plan = tiny_training.plan(*VARIANTS.get(name, (name,)), f"trainer.precision={precision}")
    plan = replace(plan, batch_size=batch_size, trainer=replace(plan.trainer, devices=processes))
    sets = {
        "L": tiny_training.sentence_set("L", 20, 1),
        "U": tiny_training.sentence_set("U", 19, 2, labeled=False),
        "development": tiny_training.sentence_set("development", 10, 3),
    }
    task = {**plan.task, **(tiny_training.told_by(plan, sets["L"]) if "Categories" in plan.task["_target_"] else {})}
    model = tiny_training.make_model(plan, task)
    if not model.learns_from_unlabeled:
        passes = passes.replace("U", "")
    data = tiny_training.data_for(plan, passes, model.task, **sets)
    tiny_training.trainer(plan, model, directory, len(passes)).fit(model, datamodule=data)
    clustered = hasattr(model, "embed")
    embeddings = embed_set(model, model, data, "L") if clustered else None
    statistics = {key: value.tolist() for key, value in model.state_dict().items() if key.endswith("running_var")}
    table = predict_set(model, data, "development")
    predictions = table[[one for one in table if one == "prediction" or one.startswith("p_")]]
    return {
        "history": (directory / "history.csv").read_text() if rank() == 0 else "",
        "labels": {one: labels.tolist() for one in "LU" if (labels := data.pseudo_labels.labels(one)) is not None},
        "predictions": predictions.select_dtypes("number").to_numpy().tolist(),
        "embeddings": None if embeddings is None else embeddings.flatten(1).tolist(),
        "statistics": statistics,
        "weights": {key: float(value.detach().double().abs().sum()) for key, value in model.named_parameters()},
    }


def main() -> None:
    out, precision, passes, batch_size, *names = sys.argv[1:]
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    # Several batches a set: gathered rows are then not in order by themselves.
    datamodule_module.CHUNKS_WITHOUT_GRADIENT = 8
    processes = started_processes()
    join_processes("cpu", processes)
    results = {}
    for name in names:
        directory = Path(from_first(tempfile.mkdtemp))
        results[name] = train(name, processes, precision, passes, int(batch_size), directory)
    if rank() == 0:
        Path(out).write_text(json.dumps(results))
    leave_processes()


if __name__ == "__main__":
    main()
