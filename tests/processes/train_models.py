"""Train every model family in however many processes this program is started in, and write down what came out.

python -m torch.distributed.run --standalone --nproc_per_node 2 train_models.py OUT.json 64-true ULUL 6 temp_gru
"""

import json
import sys
import tempfile
import warnings
from pathlib import Path

import torch
from tiny_training import FRAMES, MELS, datamodule, sentence_set, trainer

import datamodules.datamodule as datamodule_module
from callbacks.pseudo_labels import embed_set
from datamodules.processes import from_first, rank
from datamodules.samplers import ChunkUniform, Natural, NaturalSentence, SentenceUniform
from experiments.evaluation import predict_set
from experiments.jobs import started_processes
from experiments.parallel import join_processes, leave_processes
from sermodels.acg_emocluster import ACGEmoCluster
from sermodels.cnn_ae import CNNAE
from sermodels.cnn_laddernet import CNNLadderNet
from sermodels.cnn_regressor import CNNRegressor
from sermodels.cnn_vae import CNNVAE
from sermodels.deep_emocluster import DeepEmoCluster
from sermodels.temp_cnn import TempCNN
from sermodels.temp_gru import TempGRU
from sermodels.temp_trans import TempTrans
from sermodels.temp_triplet import TempTriplet

SIZE = {"num_frames": FRAMES, "num_mels": MELS}
CLUSTERED = {
    "deep_emocluster": (DeepEmoCluster, {}, ChunkUniform),
    "deep_emocluster_released": (
        DeepEmoCluster,
        {"embedding": "classifier_hidden", "freeze_emotion_regressor": True, "ccc_variance": "released"},
        Natural,
    ),
    "deep_emocluster_by_part": (DeepEmoCluster, {"optimizers": "by_part"}, SentenceUniform),
    "temp_gru": (TempGRU, {}, SentenceUniform),
    "temp_cnn": (TempCNN, {}, SentenceUniform),
    "temp_trans": (TempTrans, {}, SentenceUniform),
    "temp_triplet": (TempTriplet, {}, SentenceUniform),
    "temp_triplet_released": (TempTriplet, {"triplet_draw": "batch", "triplet_on_unlabeled": True}, SentenceUniform),
    "acg_parallel": (ACGEmoCluster, {}, SentenceUniform),
    "acg_serial": (ACGEmoCluster, {"combination": "serial"}, SentenceUniform),
}
BASELINES = {
    "cnn_regressor": (CNNRegressor, {}, NaturalSentence),
    "cnn_ae": (CNNAE, {}, NaturalSentence),
    "cnn_vae": (CNNVAE, {}, Natural),
    "cnn_laddernet": (CNNLadderNet, {"optimizers": "by_part"}, NaturalSentence),
}


def train(name: str, processes: int, precision: str, passes: str, batch_size: int, directory: Path) -> dict:
    """Losses of every pass, clusters, development CCC, predictions and running statistics."""
    make, options, sampler = (CLUSTERED | BASELINES)[name]
    torch.manual_seed(0)
    model = make(**({"num_clusters": 4} if name in CLUSTERED else {}), **options, **SIZE)
    if not model.learns_from_unlabeled:
        passes = passes.replace("U", "")
    data = datamodule(
        passes,
        sampler,
        batch_size,
        L=sentence_set("L", 20, 1),
        U=sentence_set("U", 19, 2, labeled=False),
        development=sentence_set("development", 10, 3),
    )
    losses = list(model.loss_weights)
    fit = trainer(
        directory,
        len(passes),
        clusters=4,
        losses=losses,
        clustered=name in CLUSTERED,
        processes=processes,
        precision=precision,
    )
    fit.fit(model, datamodule=data)
    embeddings = embed_set(model, model, data, "L") if name in CLUSTERED else None
    statistics = {key: value.tolist() for key, value in model.state_dict().items() if key.endswith("running_var")}
    return {
        "history": (directory / "history.csv").read_text() if rank() == 0 else "",
        "labels": {one: labels.tolist() for one in "LU" if (labels := data.pseudo_labels.labels(one)) is not None},
        "predictions": predict_set(model, data, "development")["prediction"].tolist(),
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
