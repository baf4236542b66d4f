"""Every argument arrives, a class's defaults are those of its yaml, and what cannot be is told in a sentence."""

import math
import sys
from copy import deepcopy

import pytest
import torch
from tiny_training import FRAMES, MELS, MODELS, data_for, model, plan, trainer
from torch import nn

from experiments.config.composing import composed
from experiments.config.from_hydra import make_plan
from experiments.config.targets import model_class, with_defaults
from experiments.results.loading import load_predictor
from sermodels.cnn_regressor import CNNRegressor
from sermodels.deep_emocluster import DeepEmoCluster
from sermodels.encoders.encoder import Encoder
from sermodels.parts import make
from sermodels.regularizers.regularizer import Regularizer
from sermodels.temporal_nets.temporal_net import TemporalNet


def constructor(name):
    """A model's class."""
    return model_class(plan(name).model)


def lists(value):
    """Plain data whose tuples are lists, as they are after a yaml."""
    if isinstance(value, dict):
        return {key: lists(one) for key, one in value.items()}
    return [lists(one) for one in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("name", MODELS)
def test_a_constructors_defaults_are_what_its_yaml_says(name):
    """The same parts with the same options, the task and the values of the knobs among them, at fidelity=paper."""
    yaml = make_plan(composed(f"model={name}", "fidelity=paper"))
    kind = constructor(name)
    own = {"_target_": yaml.model["_target_"], **kind.defaults}
    assert lists(with_defaults(own)) == lists(with_defaults({**yaml.model, "task": yaml.task}))


@pytest.mark.parametrize("name", MODELS)
def test_the_same_network_comes_of_the_yaml_and_of_the_constructor_alone(name):
    with torch.device("meta"):
        alone = constructor(name)()
    yaml = make_plan(composed(f"model={name}"))
    with torch.device("meta"):
        told = constructor(name)(**{key: one for key, one in yaml.model.items() if key != "_target_"}, task=yaml.task)
    assert str(alone) == str(told)
    assert alone.loss_weights == told.loss_weights


def is_plain(value):
    """Whether a checkpoint can keep this without any code."""
    if type(value) is dict:
        return all(type(key) is str and is_plain(one) for key, one in value.items())
    if type(value) in (list, tuple):
        return all(map(is_plain, value))
    return value is None or type(value) in (str, int, float, bool)


@pytest.mark.parametrize("name", MODELS)
def test_a_checkpoint_holds_plain_arguments_that_make_the_model_again(name, tmp_path):
    one, run = model(name), plan(name)
    trainer(run, one, tmp_path, 1).fit(one, datamodule=data_for(run, "L"))
    last = tmp_path / "checkpoints" / "last.ckpt"
    content = torch.load(last, weights_only=True)
    assert content["model_class"] == run.model["_target_"]
    arguments = content["hyper_parameters"]
    assert is_plain(arguments)
    given = {key: value for key, value in run.model.items() if key != "_target_"} | {"task": run.task}
    assert arguments == given | {"num_frames": FRAMES, "num_mels": MELS}
    again = load_predictor(last).model
    assert type(again) is type(one)
    assert again.state_dict().keys() == one.state_dict().keys()
    assert all(torch.equal(again.state_dict()[key], value) for key, value in one.state_dict().items())


@pytest.mark.parametrize("name", MODELS)
def test_a_constructors_own_choices_are_kept_as_plain_arguments_too(name):
    with torch.device("meta"):
        one = constructor(name)()
        assert is_plain(dict(one.hparams))
        assert None not in one.hparams.values()
        again = constructor(name)(**one.hparams)
    assert again.state_dict().keys() == one.state_dict().keys()
    assert str(again) == str(one)


FAMILIES = [
    (base, name)
    for base in (DeepEmoCluster, CNNRegressor)
    for name in MODELS
    if issubclass(constructor(name), base) and constructor(name) is not base
]
# None of these is anyone's default.
UNUSUAL = {
    "num_clusters": 7,
    "task": {"_target_": "sermodels.tasks.attributes.Attributes", "attribute": "all", "ccc_variance": "released"},
    "encoder": {
        "_target_": "sermodels.encoders.vgg.VGG16",
        "dropout": 0.15,
        "attention_blocks": [2],
        "kv_pool": 3,
    },
    "temporal_net": {"_target_": "sermodels.temporal_nets.recurrent.TemporalRecurrent", "kind": "lstm"},
    "regularizers": {
        "again": {
            "_target_": "sermodels.regularizers.reconstruction.Reconstruction",
            "decoder": {"_target_": "sermodels.decoders.mirror.MirrorDecoder"},
            "weight": 0.4,
        }
    },
    "optimization": {
        "_target_": "sermodels.optimizations.sgd_and_adam.SGDAndAdam",
        "ownership": "by_part",
        "sgd_lr": 0.011,
        "adam_lr": 0.012,
    },
    "lambda_cluster": 0.3,
    "embedding": "classifier_hidden",
    "freeze_emotion_regressor": True,
    "cluster_top_lr": 0.013,
    "num_frames": 20,
    "num_mels": 24,
}


def described(one):
    """Whatever the constructor left on a model: plain values as they are, networks by what they print as."""
    plain = {name: value for name, value in vars(one).items() if isinstance(value, str | float | int | tuple | bool)}
    networks = {name: str(module) for name, module in one.named_children()}
    parts = {
        f"{part} {key}": value for part in ("task", "optimization") for key, value in vars(getattr(one, part)).items()
    }
    return plain | networks | parts | {f"weight of {name}": weight for name, weight in one.loss_weights.items()}


@pytest.mark.parametrize(("base", "name"), FAMILIES)
def test_what_a_model_is_given_comes_before_its_own_choices(base, name):
    """So given everything, all models of a family are the one that they extend."""
    shared = set(class_parameters(base)) & set(class_parameters(constructor(name)))
    given = {key: value for key, value in UNUSUAL.items() if key in shared}
    assert set(given) == shared
    plain, more, default = described(base(**given)), described(constructor(name)(**given)), described(base())
    unlike = {key for key in plain if plain[key] != default.get(key)}
    # Each argument leaves its mark, so that the comparison below means something.
    assert unlike >= {"encoder", "regularizers", "emotion_regressor", "optimization sgd_lr", "task ccc_variance"}
    assert base is CNNRegressor or unlike >= {
        "cluster_classifier",
        "temporal_net",
        "embedding",
        "freeze_emotion_regressor",
        "cluster_top_lr",
        "weight of cluster",
    }
    left = {key for key in plain if plain[key] != more[key]}
    assert left <= {"_hparams_name"}, {key: (plain[key], more[key]) for key in left}


def class_parameters(kind):
    return [key for key in with_defaults({"_target_": f"{kind.__module__}.{kind.__qualname__}"}) if key != "_target_"]


def dropouts(module: nn.Module) -> set[float]:
    return {one.p for one in module.modules() if isinstance(one, nn.Dropout)}


@pytest.mark.parametrize("name", MODELS)
def test_an_encoders_dropout(name):
    within = {0.0} if name == "acg_emocluster" else set()  # its one dropout is after the join
    usual = 0.0 if name == "cnn_vae" else 0.5  # the noise of its codes stands in its place
    assert dropouts(model(name).encoder) == {usual} | within
    assert dropouts(model(name, "encoder.dropout=0.1").encoder) == {0.1} | within


WITH_DROPOUT = [name for name in MODELS if "dropout" in plan(name).model.get("temporal_net", {})]


def test_which_temporal_nets_have_dropout():
    assert {"temp_cnn", "temp_trans"} <= set(WITH_DROPOUT)


@pytest.mark.parametrize("name", WITH_DROPOUT)
def test_a_temporal_nets_dropout(name):
    assert dropouts(model(name).temporal_net) == {0.3}
    of_positions = {0.3} if name == "temp_trans" else set()
    assert dropouts(model(name, "temporal_net.dropout=0.2").temporal_net) == {0.2} | of_positions


@pytest.mark.parametrize(("option", "expected"), [("fidelity=paper", 0.3), ("fidelity=released", 0.0)])
def test_a_transformers_dropout_on_its_positions(option, expected):
    net = model("temp_trans", option).temporal_net
    assert (net.dropout.p, net.layer.dropout1.p) == (expected, 0.3)


def test_a_transformers_dropout_is_that_of_its_attention_too():
    assert model("temp_trans", "temporal_net.dropout=0.2").temporal_net.layer.self_attn.dropout == 0.2


@pytest.mark.parametrize("name", WITH_DROPOUT)
def test_a_temporal_nets_dropout_acts_in_training_only(name):
    net = model(name).temporal_net
    h = torch.randn(2, 5, 256)
    assert not torch.equal(net(h), net(h))
    net.eval()
    assert torch.equal(net(h), net(h))


def built_with(name, option, value):
    """The model of a config in which one option, named as on the command line, has this value."""
    node = deepcopy({**plan(name).model, "task": plan(name).task})
    node.pop("_target_")
    place = node
    *path, last = option.split(".")
    for key in path:
        place = place[key]
    place[last] = value
    return constructor(name)(**node)


@pytest.mark.parametrize(
    ("name", "option", "value", "message"),
    [
        ("temp_triplet", "regularizers.triplet.triplets_per_sentence", 2.5, "whole number 1 or more"),
        ("temp_triplet", "regularizers.triplet.triplets_per_sentence", True, "whole number 1 or more"),
        ("temp_triplet", "regularizers.triplet.margin", math.nan, "number 0 or more"),
        ("temp_triplet", "regularizers.triplet.margin", "big", "number 0 or more"),
        ("temp_triplet", "regularizers.triplet.weight", math.inf, "weight is a finite number"),
        ("temp_triplet", "regularizers.triplet.window", None, "whole number 2 or more"),
        ("temp_triplet", "regularizers.triplet.window", 3, "even number"),
        ("temp_triplet", "regularizers.triplet.on_unlabeled", "no_thanks", "true or false"),
        ("temp_triplet", "regularizers.triplet.draw", "epoch", "sentence, batch"),
        ("temp_trans", "temporal_net.dropout", math.nan, "from 0 to 1"),
        ("temp_trans", "temporal_net.dropout", 1.0, "drop everything"),
        ("temp_cnn", "temporal_net.channels", "many", "whole number 1 or more"),
        ("temp_cnn", "temporal_net.output_channels", 2.5, "whole number 1 or more"),
        ("temp_gru", "temporal_net.kind", "rnn", "one of gru, bigru"),
        ("temp_gru", "optimization.sgd_lr", math.nan, "number 0 or more"),
        ("temp_gru", "optimization.ownership", "adam", "both_on_all, by_part"),
        ("temp_gru", "cluster_top_lr", "fast", "number 0 or more"),
        ("deep_emocluster", "freeze_emotion_regressor", "no", "true or false"),
        ("deep_emocluster", "lambda_cluster", -1.0, "lambda_cluster is a finite number 0 or more"),
        ("deep_emocluster", "num_clusters", 1, "num_clusters is a whole number 2 or more"),
        ("deep_emocluster", "embedding", "latent", "encoder, temporal_net, classifier_hidden"),
        ("deep_emocluster", "encoder.kv_pool", 0, "whole number 1 or more"),
        ("deep_emocluster", "encoder.kv_pool", 2.5, "whole number 1 or more"),
        ("deep_emocluster", "encoder.kv_pool", None, "whole number 1 or more"),
        ("deep_emocluster", "encoder.dropout", "half", "number from 0 to 1"),
        ("deep_emocluster", "encoder.attention_blocks", 1, "numbers from 1 to 7"),
        ("deep_emocluster", "encoder.attention_blocks", None, "numbers from 1 to 7"),
        ("deep_emocluster", "encoder.attention_blocks", [[1]], "numbers from 1 to 7"),
        ("deep_emocluster", "encoder.attention_blocks", "acn_b", "numbers from 1 to 7"),
        ("deep_emocluster", "encoder.attention_blocks", [True], "numbers from 1 to 7"),
        ("deep_emocluster", "encoder.attention_blocks", [3, 1], "rising order"),
        ("deep_emocluster", "encoder.attention_blocks", [1, 1], "rising order"),
        ("deep_emocluster", "encoder.attention_blocks", [8], "numbers from 1 to 7"),
        ("deep_emocluster", "task.attribute", "anger", "arousal, dominance, valence, several"),
        ("deep_emocluster", "task.criterion", "loss", "ccc, chunk_loss"),
        ("acg_emocluster", "lambda_cluster", math.inf, "lambda_cluster is a finite number"),
        ("acg_emocluster", "encoder.axis", "frames", "no such option"),
        ("acg_emocluster", "encoder.recurrent", None, "one of gru, bigru"),
        ("acg_emocluster", "optimization.supervised_lr", None, "number 0 or more"),
        ("cnn_vae", "regularizers.kl.weight", "x", "weight is a finite number"),
        ("cnn_vae", "regularizers.reconstruction.weight", None, "weight is a finite number"),
        ("cnn_ae", "regularizers.reconstruction.weight", math.nan, "weight is a finite number"),
        ("cnn_laddernet", "encoder.noise_std", None, "number 0 or more"),
        ("cnn_laddernet", "encoder.noise_std", -0.1, "noise_std"),
        ("cnn_laddernet", "regularizers.denoising.weights", 1.0, "8 numbers"),
        ("cnn_laddernet", "regularizers.denoising.weights", [1.0], "8 numbers"),
        ("cnn_laddernet", "regularizers.denoising.weights", [-1.0] * 8, "0 or more"),
        ("cnn_laddernet", "regularizers.denoising.weights", ["x"] * 8, "each of weights"),
        ("cnn_laddernet", "task.ccc_variance", "n", "population"),
    ],
)
def test_what_no_argument_may_be_is_told_in_a_sentence(name, option, value, message):
    """Which begins with the slot of the part, where a user finds the option."""
    slot = option.rpartition(".")[0]
    with pytest.raises(ValueError, match=message) as told:
        built_with(name, option, value)
    assert str(told.value).startswith(slot)


VGG = "sermodels.encoders.vgg.VGG16"


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"_target_": "os.system", "command": "true"}, "encoder: os.system is not one of sermodels"),
        ({"_target_": "this.d"}, "encoder: this.d is not one of sermodels"),
        ({"_target_": "sermodelsx.encoders.vgg.VGG16"}, "is not one of sermodels"),
        ({"_target_": "VGG16"}, "encoder: VGG16 is not one of sermodels"),
        ({"_target_": "sermodels.decoders.mirror.MirrorDecoder"}, "MirrorDecoder is no Encoder"),
        ({"_target_": "sermodels.encoders.vgg.STRIDES"}, "STRIDES is not one of sermodels"),
        ({"_target_": "sermodels.encoders.initialization.initialize"}, "initialize is no Encoder"),
        (
            {"_target_": VGG, "colour": "red"},
            "encoder.colour: VGG16 has no such option; there are dropout, ",
        ),
        ({"_target_": VGG, "num_mels": 7}, "encoder.num_mels: VGG16 has no such option"),
        ({"dropout": 0.5}, "encoder is a part with a _target_"),
        ({"_target_": None}, "encoder is a part with a _target_"),
        ("vgg16", "encoder is a part with a _target_, not 'vgg16'; name its class"),
        ({"_target_": "sermodels.encoders.encoder.Encoder"}, "Encoder is no Encoder of its own kind"),
        (None, "encoder is a part with a _target_"),
        ({"_target_": "sermodels.encoders.vgg.VGG19"}, "encoder: there is no sermodels.encoders.vgg.VGG19"),
        ({"_target_": "sermodels.encoders.resnet.ResNet"}, "encoder: there is no sermodels.encoders.resnet.ResNet"),
        ({"_target_": "sermodels.encoders.encoder.Encoder.forward"}, "there is no"),
    ],
)
def test_what_is_no_part_is_told_in_a_sentence(part, message):
    with pytest.raises(ValueError, match=message):
        make("encoder", part, Encoder, num_frames=8, num_mels=16)


def test_a_class_from_elsewhere_is_not_even_imported():
    """A checkpoint may come from anywhere, and importing is running."""
    sys.modules.pop("this", None)
    with pytest.raises(ValueError, match="not one of sermodels"):
        make("encoder", {"_target_": "this.d"}, Encoder)
    assert "this" not in sys.modules


def test_a_part_without_options_says_so():
    with pytest.raises(ValueError, match=r"temporal_net\.kind: NoTemporalNet has no such option; there are none"):
        make(
            "temporal_net",
            {"_target_": "sermodels.temporal_nets.temporal_net.NoTemporalNet", "kind": "gru"},
            TemporalNet,
            num_features=8,
        )


def test_a_part_that_lacks_what_it_cannot_do_without_is_told_by_its_slot():
    part = {"_target_": "sermodels.regularizers.reconstruction.Reconstruction", "weight": 1.0}
    with pytest.raises(ValueError, match=r"regularizers.again: .*decoder"):
        make("regularizers.again", part, Regularizer, encoder=model("cnn_ae").encoder)


@pytest.mark.parametrize(
    ("name", "option", "value", "message"),
    [
        (
            "cnn_ae",
            "regularizers.reconstruction.decoder",
            {"_target_": "os.system"},
            "decoder: os.system is not one of sermodels",
        ),
        ("cnn_ae", "regularizers.reconstruction.decoder", None, "decoder is a part"),
        ("cnn_ae", "encoder", {"_target_": "sermodels.encoders.parallel.ParallelEncoder"}, "has no maps to mirror"),
        ("cnn_vae", "encoder", {"_target_": VGG}, "take encoder=variational"),
        ("cnn_laddernet", "encoder", {"_target_": VGG}, "take encoder=ladder"),
    ],
)
def test_parts_that_do_not_go_together_are_told_in_a_sentence(name, option, value, message):
    with pytest.raises(ValueError, match=message) as told:
        built_with(name, option, value)
    assert str(told.value).startswith("regularizers.")
