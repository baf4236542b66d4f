"""Train models in however many processes this program is started in, and write down what came out.

A model is a name of conf/model and options, in one argument:

python -m torch.distributed.run --standalone --nproc_per_node 2 train_models.py OUT.json 64-true ULUL 6 \\
    temp_gru "cnn_ae optimization.ownership=by_part"
"""

import json
import sys
import tempfile
import warnings
from pathlib import Path

import torch
from tiny_training import data_for, model, plan, sentence_set, told_by, trainer

import datamodules.datamodule as datamodule_module
from callbacks.pseudo_labels import embed_set
from datamodules.processes import from_first, rank
from experiments.jobs.started import started_processes
from experiments.results.scoring import predict_set
from experiments.training.joining import join_processes, leave_processes


def train(case: str, processes: int, precision: str, passes: str, batch_size: int, directory: Path) -> dict:
    """Losses of every pass, clusters, development scores, predictions and running statistics."""
    of_run = (f"trainer.devices={processes}", f"trainer.precision={precision}", f"batch_size={batch_size}")
    options = (*case.split(), *of_run)
    run, labeled = plan(*options), sentence_set("L", 20, 1)
    one = model(*options, **told_by(run, labeled))
    if not one.learns_from_unlabeled:
        passes = passes.replace("U", "")
    data = data_for(
        run,
        passes,
        one.task,
        L=labeled,
        U=sentence_set("U", 19, 2, labeled=False),
        development=sentence_set("development", 10, 3),
    )
    trainer(run, one, directory, len(passes)).fit(one, datamodule=data)
    embeddings = embed_set(one, one, data, "L") if hasattr(one, "embed") else None
    statistics = {key: value.tolist() for key, value in one.state_dict().items() if key.endswith("running_var")}
    return {
        "history": (directory / "history.csv").read_text() if rank() == 0 else "",
        "labels": {each: labels.tolist() for each in "LU" if (labels := data.pseudo_labels.labels(each)) is not None},
        "predictions": predict_set(one, data, "development").select_dtypes("number").to_numpy().tolist(),
        "embeddings": None if embeddings is None else embeddings.flatten(1).tolist(),
        "statistics": statistics,
        "weights": {key: float(value.detach().double().abs().sum()) for key, value in one.named_parameters()},
    }


def main() -> None:
    out, precision, passes, batch_size, *cases = sys.argv[1:]
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    # Several batches a set: gathered rows are then not in order by themselves.
    datamodule_module.CHUNKS_WITHOUT_GRADIENT = 8
    processes = started_processes()
    join_processes("cpu", processes)
    results = {}
    for case in cases:
        directory = Path(from_first(tempfile.mkdtemp))
        results[case] = train(case, processes, precision, passes, int(batch_size), directory)
    if rank() == 0:
        Path(out).write_text(json.dumps(results))
    leave_processes()


if __name__ == "__main__":
    main()
