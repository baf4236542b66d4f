"""Every argument arrives: the models that extend another one hand on all of its arguments, and use their own."""

import inspect

import pytest
import torch
from torch import nn

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

FAMILIES = [
    *((DeepEmoCluster, extended) for extended in (TempGRU, TempCNN, TempTrans, TempTriplet)),
    *((CNNRegressor, extended) for extended in (CNNAE, CNNVAE, CNNLadderNet)),
]
# None of these is anyone's default.
UNUSUAL = {
    "num_clusters": 7,
    "attributes": ("valence", "dominance"),
    "lambda_cluster": 0.3,
    "dropout": 0.15,
    "embedding": "classifier_hidden",
    "optimizers": "by_part",
    "sgd_lr": 0.011,
    "adam_lr": 0.012,
    "cluster_top_lr": 0.013,
    "ccc_variance": "released",
    "attention_blocks": (2,),
    "kv_pool": 3,
    "num_frames": 20,
    "num_mels": 24,
}


def described(model: nn.Module) -> dict[str, object]:
    """Whatever the constructor left on a model: plain values as they are, networks by what they print as."""
    plain = {name: value for name, value in vars(model).items() if isinstance(value, str | float | int | tuple | bool)}
    networks = {name: str(module) for name, module in model.named_children()}
    return plain | networks | {f"weight of {name}": weight for name, weight in model.loss_weights.items()}


@pytest.mark.parametrize(("base", "extended"), FAMILIES)
def test_a_model_hands_on_the_arguments_of_the_one_it_extends(base, extended):
    shared = set(inspect.signature(base).parameters) & set(inspect.signature(extended).parameters)
    given = {name: value for name, value in UNUSUAL.items() if name in shared}
    assert set(given) == shared
    plain, more = described(base(**given)), described(extended(**given))
    assert plain != described(base())
    left = {name for name in plain if plain[name] != more[name]}
    assert left <= {"temporal_net", "decoder", "_hparams_name"}, {name: (plain[name], more[name]) for name in left}


def dropouts(module: nn.Module) -> set[float]:
    return {one.p for one in module.modules() if isinstance(one, nn.Dropout)}


def test_dropouts():
    for make in (DeepEmoCluster, TempGRU, TempCNN, TempTrans, TempTriplet, CNNRegressor, CNNAE, CNNVAE, CNNLadderNet):
        assert dropouts(make().encoder) == {0.5}
        assert dropouts(make(dropout=0.1).encoder) == {0.1}
    for make in (TempCNN, TempTrans):
        assert dropouts(make().temporal_net) == {0.3}
        assert dropouts(make(temporal_dropout=0.2).temporal_net) == {0.2}
    assert TempTrans(temporal_dropout=0.2).temporal_net.layer.self_attn.dropout == 0.2
    assert dropouts(ACGEmoCluster().extractor) == {0.0, 0.5}  # one, after the join
    assert dropouts(ACGEmoCluster(dropout=0.1).extractor) == {0.0, 0.1}


def test_a_temporal_nets_dropout_acts_in_training_only():
    for make in (TempCNN, TempTrans):
        torch.manual_seed(0)
        net = make(num_frames=8, num_mels=16).temporal_net
        h = torch.randn(2, 5, 256)
        assert not torch.equal(net(h), net(h))
        net.eval()
        assert torch.equal(net(h), net(h))


@pytest.mark.parametrize(
    ("make", "name", "value", "message"),
    [
        (TempTriplet, "triplets_per_sentence", 2.5, "whole number 1 or more"),
        (TempTriplet, "triplets_per_sentence", True, "whole number 1 or more"),
        (TempTriplet, "margin", float("nan"), "number 0 or more"),
        (TempTriplet, "margin", "big", "number 0 or more"),
        (TempTriplet, "gamma_triplet", float("inf"), "gamma_triplet is a finite number"),
        (TempTriplet, "window", None, "whole number 2 or more"),
        (TempTriplet, "window", 3, "even number"),
        (TempTriplet, "triplet_on_unlabeled", "no_thanks", "true or false"),
        (TempTriplet, "triplet_draw", "epoch", "sentence, batch"),
        (TempTrans, "temporal_dropout", float("nan"), "from 0 to 1"),
        (TempTrans, "temporal_dropout", 1.0, "drop everything"),
        (TempCNN, "temporal_channels", "many", "whole number 1 or more"),
        (TempCNN, "temporal_output_channels", 2.5, "whole number 1 or more"),
        (TempGRU, "sgd_lr", float("nan"), "number 0 or more"),
        (TempGRU, "cluster_top_lr", "fast", "number 0 or more"),
        (DeepEmoCluster, "freeze_emotion_regressor", "no", "true or false"),
        (DeepEmoCluster, "lambda_cluster", -1.0, "lambda_cluster is a finite number 0 or more"),
        (DeepEmoCluster, "kv_pool", 0, "whole number 1 or more"),
        (DeepEmoCluster, "kv_pool", 2.5, "whole number 1 or more"),
        (DeepEmoCluster, "kv_pool", None, "whole number 1 or more"),
        (DeepEmoCluster, "dropout", "half", "number from 0 to 1"),
        (DeepEmoCluster, "attention_blocks", 1, "numbers from 1 to 7"),
        (DeepEmoCluster, "attention_blocks", None, "numbers from 1 to 7"),
        (DeepEmoCluster, "attention_blocks", [[1]], "numbers from 1 to 7"),
        (DeepEmoCluster, "attention_blocks", "acn_b", "numbers from 1 to 7"),
        (DeepEmoCluster, "attention_blocks", [True], "numbers from 1 to 7"),
        (DeepEmoCluster, "attention_blocks", [3, 1], "rising order"),
        (DeepEmoCluster, "attention_blocks", [1, 1], "rising order"),
        (DeepEmoCluster, "attention_blocks", [8], "numbers from 1 to 7"),
        (ACGEmoCluster, "lambda_cluster", float("inf"), "lambda_cluster is a finite number"),
        (ACGEmoCluster, "axis", "frames", "serial recurrence"),
        (ACGEmoCluster, "recurrent", None, "one of gru, bigru"),
        (ACGEmoCluster, "supervised_lr", None, "number 0 or more"),
        (CNNVAE, "kl_weight", "x", "kl_weight is a finite number"),
        (CNNVAE, "reconstruction_weight", None, "reconstruction_weight is a finite number"),
        (CNNAE, "reconstruction_weight", float("nan"), "reconstruction_weight is a finite number"),
        (CNNLadderNet, "noise_std", None, "number 0 or more"),
        (CNNLadderNet, "denoising_weights", 1.0, "8 numbers"),
        (CNNLadderNet, "denoising_weights", ["x"] * 8, "each of denoising_weights"),
    ],
)
def test_what_no_argument_may_be_is_told_in_a_sentence(make, name, value, message):
    with pytest.raises(ValueError, match=message):
        make(**{name: value})
