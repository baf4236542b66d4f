"""From options to a plan: what composes, what is built of it, and what is refused with which remedy."""

from dataclasses import replace
from functools import cache

import pytest
import torch
from hydra.errors import ConfigCompositionException
from hydra.utils import get_object
from omegaconf import OmegaConf
from tiny_training import CLUSTERED, MODELS, SIZE, UNCLUSTERED, WINDOW, batch, model, plan

from datamodules.errors import ConfigurationError, DataError
from experiments import CONF
from experiments.config.building import build_callback, build_model, with_defaults
from experiments.config.composing import choices
from experiments.config.composing import composed as composed_config
from experiments.config.from_hydra import make_plan
from experiments.config.identity import outcome, run_hash
from experiments.console.user_errors import user_errors
from sermodels.encoders.vgg import VGG16
from sermodels.parts import constructor_parameters

GIVEN_BY_THE_PROGRAM = {
    "model": {"num_frames", "num_mels"},
    "schedule": {"has_unlabeled"},
    "callbacks": {"directory"},
    "encoder": {"num_frames", "num_mels"},
    "temporal_net": {"num_features"},
    "regularizers": {"encoder"},
    "decoder": {"encoder"},
    "task": {"scale", "counts"},
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("data", choices("data"))
def test_every_model_composes_with_every_corpus(name, data, planned):
    made = planned(f"model={name}", f"data={data}", "data.root=somewhere")
    assert made.model_name == name
    assert made.data.name == data


@pytest.mark.parametrize("experiment", choices("experiment"))
def test_every_experiment_composes(experiment, planned):
    made = planned(f"experiment={experiment}", "data.root=somewhere", "data.unlabeled_dir=somewhere")
    assert made.model_name in MODELS


def lists(value):
    """Plain data with lists for tuples, which is what a yaml can say."""
    if isinstance(value, dict):
        return {key: lists(one) for key, one in value.items()}
    return [lists(one) for one in value] if isinstance(value, list | tuple) else value


def told(made):
    """Everything that the config tells the model's constructor, its task too."""
    return {**made.model, "task": made.task}


def nodes(made):
    """Everything of a plan that is built: where it stands, and its node."""
    yield "model", told(made)
    yield "schedule", made.schedule
    for slot, node in told(made).items():
        if slot == "regularizers":
            yield from (("regularizers", one) for one in node.values())
            yield from (("decoder", one["decoder"]) for one in node.values() if "decoder" in one)
        elif isinstance(node, dict):
            yield slot, node
    yield from (("callbacks", node) for node in made.callbacks.values())


@pytest.mark.parametrize("name", MODELS)
def test_yaml_keys_are_the_constructors_arguments(name, planned):
    for group, node in nodes(planned(f"model={name}")):
        arguments = set(constructor_parameters(get_object(node["_target_"])))
        assert set(node) - {"_target_"} == arguments - GIVEN_BY_THE_PROGRAM.get(group, set()), node["_target_"]


@pytest.mark.parametrize("name", MODELS)
def test_yaml_defaults_are_the_constructors_defaults(name, planned):
    """So TempGRU() in a notebook is the model that `model=temp_gru` is."""
    made = told(planned(f"model={name}"))
    kind = get_object(made["_target_"])
    parameters = constructor_parameters(kind)
    for argument in set(parameters) - GIVEN_BY_THE_PROGRAM["model"]:
        default = parameters[argument].default
        default = kind.own(argument, None) if default is None else default
        assert lists(with_defaults({argument: made[argument]})) == lists(with_defaults({argument: default})), argument


VGG = {"attention_blocks": [], "kv_pool": 4, "dropout": 0.5}
PARALLEL = {"attention_blocks": [1, 3, 5, 7], "kv_pool": 4, "recurrent": "bigru", "dropout": 0.5}
PRESETS = {
    "encoder=vgg16": VGG,
    "encoder=acn_s": VGG | {"attention_blocks": [1]},
    "encoder=acn_b": VGG | {"attention_blocks": [1, 3, 5, 7]},
    "encoder=acn_l": VGG | {"attention_blocks": [1, 2, 3, 4, 5, 6, 7]},
    "encoder=parallel": PARALLEL,
    "encoder=parallel_acn_s": PARALLEL | {"attention_blocks": [1]},
    "encoder=parallel_acn_l": PARALLEL | {"attention_blocks": [1, 2, 3, 4, 5, 6, 7]},
    "encoder=serial_frames": PARALLEL,
    "encoder=variational": VGG,
    "encoder=ladder": VGG | {"noise_std": 0.3},
    "temporal_net=none": {},
    "temporal_net=gru": {"kind": "gru"},
    "temporal_net=lstm": {"kind": "lstm"},
    "temporal_net=bigru": {"kind": "bigru"},
    "temporal_net=bilstm": {"kind": "bilstm"},
    "temporal_net=cnn": {"channels": 16, "output_channels": 16, "dropout": 0.3},
    "temporal_net=transformer": {"dropout": 0.3},
    # Of the paper's tables 3 and 4, beside the encoders' own.
    "encoder.recurrent=lstm": PARALLEL | {"recurrent": "lstm"},
    "encoder.recurrent=gru": PARALLEL | {"recurrent": "gru"},
    "encoder.recurrent=bilstm": PARALLEL | {"recurrent": "bilstm"},
}


def attention_blocks(module):
    return [one for one in module.modules() if type(one).__name__ == "AttnConvBlock"]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_of_acg_changes_what_it_says_and_nothing_else(preset):
    group = preset.replace(".", "=").split("=")[0]
    before, after = (plan("acg_emocluster", *some) for some in ((), (preset,)))
    node = {key: value for key, value in after.model[group].items() if key != "_target_"}
    assert node == PRESETS[preset]
    assert {**after.model, group: None} == {**before.model, group: None}
    made = model("acg_emocluster", preset)
    assert type(getattr(made, group)).__name__ == after.model[group]["_target_"].rpartition(".")[2]
    assert len(attention_blocks(made)) == len(after.model["encoder"]["attention_blocks"])
    assert made(torch.randn(2, 3, 8, 16)).shape == (2, 1)


def test_no_preset_is_untested():
    there = {f"{group}={name}" for group in ("encoder", "temporal_net") for name in choices(group)}
    assert there == {preset for preset in PRESETS if "." not in preset}


GROUPS = ("encoder", "temporal_net", "regularizer", "optimization", "task", "callback")
# Regularizers that read what only one encoder leaves.
NEEDS = {"regularizer=kl": ["encoder=variational"], "regularizer=denoising": ["encoder=ladder"]}


@pytest.mark.parametrize("choice", [f"{group}={name}" for group in GROUPS for name in choices(group)])
def test_every_part_builds_and_its_model_has_finite_losses(choice, tmp_path):
    """A new yaml is covered by itself."""
    group, _, name = choice.partition("=")
    several = group in ("regularizer", "callback")  # of which a run may have several, by names of their own
    option = f"+{group}@{group}s.tested={name}" if several else choice
    options = [option, *NEEDS.get(choice, []), "sampler=natural_sentence"]
    made, module = plan("deep_emocluster", *options), model("deep_emocluster", *options)
    if group == "callback":
        node = made.callbacks["tested"]
        built = build_callback("tested", node, directory=tmp_path)
    elif group == "regularizer":
        node, built = made.model["regularizers"]["tested"], module.regularizers["tested"]
    else:
        node, built = told(made)[group], getattr(module, group)
    assert type(built) is get_object(node["_target_"])
    labels = torch.arange(6.0)[:, None] % 2  # a rating to one task, the number of a class to another
    losses = module.losses(batch(labels=labels))
    assert set(losses) == set(module.loss_weights)
    assert all(loss.isfinite() for loss in losses.values())


SETUP = {
    "deep_emocluster": ("alternating", "vanilla", "deepemocluster"),
    **{
        name: ("alternating", "sentence", "deepemocluster")
        for name in ("temp_gru", "temp_cnn", "temp_trans", "temp_triplet")
    },
    "acg_emocluster": ("pretrain_then_joint", "sentence", "acg"),
    "cnn_regressor": ("supervised", "natural", "deepemocluster"),
    **{name: ("alternating", "natural", "deepemocluster") for name in ("cnn_ae", "cnn_vae", "cnn_laddernet")},
}


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_its_schedule_sampler_features_and_clusters(name, composed):
    cfg = composed(f"model={name}", "data.root=somewhere")
    assert set(SETUP) == set(MODELS)
    for group, choice in zip(("schedule", "sampler", "features"), SETUP[name], strict=True):
        chosen = OmegaConf.load(CONF / group / f"{choice}.yaml")
        assert OmegaConf.to_container(cfg[group], resolve=False) == OmegaConf.to_container(chosen, resolve=False)
    assert (name in CLUSTERED) is (not name.startswith("cnn_"))
    assert (name in CLUSTERED) is ("callbacks" in cfg)
    assert set(cfg.get("callbacks", {})) == ({"pseudo_labels", "cluster_health"} if name in CLUSTERED else set())


# Knobs that not every run reads, their defaults, another value, and the models that read them.
KNOBS = {
    "num_clusters": (10, 7, CLUSTERED),
    "lambda_cluster": (1, 0.5, CLUSTERED),
    "gamma_triplet": (1, 2, ["temp_triplet"]),
    "pretrain_rounds": (50, 3, ["acg_emocluster"]),
    "attribute": ("arousal", "valence", MODELS),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("knob", KNOBS)
def test_a_knob_arrives_and_changes_the_hash_or_is_refused(name, knob, planned):
    _, value, readers = KNOBS[knob]
    if name in readers:
        assert run_hash(outcome(planned(f"model={name}", f"{knob}={value}"), "d")) != run_hash(
            outcome(usual(name), "d")
        )
    else:
        with pytest.raises(
            ConfigurationError, match=rf"^{knob}={value}: model={name} .*does not read it; leave {knob} out\.$"
        ):
            planned(f"model={name}", f"{knob}={value}")


@cache
def usual(name):
    return make_plan(composed_config(f"model={name}"))


@pytest.mark.parametrize("name", MODELS)
def test_knobs_that_are_set_to_their_defaults_are_never_refused(name, planned):
    """So that one command line serves all models."""
    options = [f"{knob}={default}" for knob, (default, *_) in KNOBS.items()]
    assert outcome(planned(f"model={name}", *options), "d") == outcome(usual(name), "d")


@pytest.mark.parametrize("name", MODELS)
def test_the_weights_of_the_losses_are_the_knobs(name):
    knobs = {"lambda_cluster": 0.5, "gamma_triplet": 2}
    options = [f"{knob}={value}" for knob, value in knobs.items() if name in KNOBS[knob][2]]
    weights = model(name, *options).loss_weights
    assert ("cluster" in weights) is (name in CLUSTERED)
    assert weights.get("cluster", 0.5) == 0.5
    assert ("triplet" in weights) is (name == "temp_triplet")
    assert weights.get("triplet", 2) == 2


@pytest.mark.parametrize(
    ("overrides", "unread"),
    [
        (["task=categories", "attribute=valence"], "attribute=valence"),
        (["model=cnn_ae", "num_clusters=20"], "num_clusters=20"),
        (["model=temp_trans", "gamma_triplet=0.5"], "gamma_triplet=0.5"),
        (["model=deep_emocluster", "pretrain_rounds=3"], "pretrain_rounds=3"),
        (["model=acg_emocluster", "schedule=alternating", "pretrain_rounds=3"], "pretrain_rounds=3"),
    ],
)
def test_a_knob_that_the_choices_together_do_not_read_is_refused(overrides, unread, planned):
    option = unread.split("=")[0]
    with pytest.raises(ConfigurationError, match=rf"^{unread}: .*does not read it; leave {option} out\.$"):
        planned(*overrides)


def test_a_knob_that_a_part_brings_is_read(planned):
    made = planned(
        "model=temp_gru", "+regularizer@regularizers.triplet=triplet", "gamma_triplet=2", "data.chunks.max_seconds=4"
    )
    assert made.model["regularizers"]["triplet"]["weight"] == 2


def test_an_option_that_there_is_not_is_refused(planned):
    with pytest.raises(ConfigurationError, match=r"^foo=1: there is no option of this name; leave it out\.$"):
        planned("+foo=1")


def test_the_papers_preset_is_the_papers(planned):
    made = planned("experiment=acg_paper", "data.root=somewhere", "data.unlabeled_dir=elsewhere")
    assert (made.data.name, made.data.unlabeled_size, made.passes.count("L"), made.passes.count("U")) == (
        *("msp_podcast", 15_000, 50, 50),
    )
    assert (made.batch_size, made.model["num_clusters"]) == (32, 10)
    usual = planned("model=acg_emocluster").model
    assert made.model == usual | {"encoder": usual["encoder"] | {"kv_pool": 1}}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model=cnn_regressor", "+temporal_net=gru"], "temporal_net: model=cnn_regressor has no such part"),
        (["+regularizer=triplet"], r"regularizer: nothing reads it there; .*regularizer@regularizers\.NAME"),
        (["overwrite=no"], "overwrite=no: set true or false"),
        (["trainer.channels_last=maybe"], "trainer.channels_last=maybe: set true or false"),
        (["model=cnn_ae", "regularizers=null"], "regularizers: null is no part"),
        (["+regularizer@regularizers.keys=triplet"], r"regularizers\.keys: a regularizer cannot be called that"),
        (["+task.scale=1"], r"task\.scale: the training set decides it"),
        (["temporal_net=gru", "temporal_net.kind=rnn", "sampler=sentence"], "temporal_net: kind is one of gru"),
        (["model=deep_emocluster", "+recurrence=gru"], "recurrence="),
        (["model=temp_triplet", "regularizers.triplet.window=3"], r"regularizers\.triplet: .*even number"),
        (["model=temp_triplet", "regularizers.triplet.window=40"], "needs at least 22 chunks"),
        (["model=acg_emocluster", "encoder.recurrent=none"], "encoder: .*gru, bigru, lstm, bilstm"),
        (["model=temp_gru", "temporal_net.kind=none"], "temporal_net: .*gru, bigru, lstm, bilstm"),
        (["model=temp_cnn", "encoder.attention_blocks=[9]"], "encoder: .*numbers from 1 to 7"),
        (["model=temp_gru", "encoder=acn_s", "encoder.kv_pool=0"], "encoder: kv_pool is a whole number"),
        (["model=temp_gru", "optimization.sgd_lr=nan"], "optimization: sgd_lr is a finite number"),
        (["+regularizer@regularizers.kl=kl"], r"regularizers\.kl: .*take encoder=variational"),
        (["+regularizer@regularizers.denoising=denoising"], r"regularizers\.denoising: .*take encoder=ladder"),
        (["+model.encoder={_target_: sermodels.encoders.vgg.VGG16}"], r"model\.encoder: .* set encoder=… instead"),
        (["encoder._target_=sermodels.encoders.vgg.VGG19"], "encoder: there is no sermodels.encoders.vgg.VGG19"),
        (["encoder._target_=os.system"], "encoder: .*not one of sermodels"),
        (["encoder._target_=sermodels.tasks.attributes.Attributes"], "encoder: .*is no Encoder"),
        (["task=categories", "task.criterion=ccc"], "task: criterion is one of uar, accuracy"),
        (["task=categories", "task.classes=[joy]"], "task: classes are two names or more"),
    ],
)
def test_what_a_model_does_not_take_is_told_before_any_work_is_done(overrides, message, planned):
    """A plan is made without data, so nothing can have been extracted."""
    with pytest.raises(ConfigurationError, match=message):
        planned(*overrides)


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        *((group, f"{group}: a run needs one") for group in ("data", "model", "task", "features", "schedule")),
        *((group, f"{group}: a run needs one") for group in ("sampler", "trainer", "logger", "fidelity")),
        *((part, f"{part}: model=deep_emocluster needs one") for part in ("encoder", "temporal_net", "optimization")),
        ("fidelity.criterion", "not there: Interpolation key 'fidelity.criterion' not found; check the last options."),
    ],
)
def test_a_choice_taken_away_is_told(taken, said, planned, capsys):
    with pytest.raises(SystemExit) as caught, user_errors():
        planned(f"~{taken}")
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_a_choice_that_there_is_not_is_hydras_to_tell(composed):
    with pytest.raises(ConfigCompositionException, match="vgg19"):
        composed("encoder=vgg19")


@pytest.mark.parametrize("name", MODELS)
def test_one_override_puts_attention_blocks_into_any_model(name):
    without, having = (model(name, f"encoder.attention_blocks={blocks}") for blocks in ("[]", "[1,3,5,7]"))
    assert len(attention_blocks(having)) == 4
    assert not attention_blocks(without)
    if type(without.encoder) is VGG16:
        assert len(attention_blocks(model(name, "encoder=acn_b"))) == 4


@pytest.mark.parametrize("name", MODELS)
def test_any_model_predicts_all_attributes_at_once(name):
    module = model(name, "attribute=all")
    assert module.task.names == ("arousal", "dominance", "valence")
    assert module(torch.randn(2, 4, 8, 16)).shape == (2, 3)


@pytest.mark.parametrize("name", MODELS)
def test_any_model_tells_categories(name):
    module = model(name, "task=categories", classes=["a", "b", "c", "d"], counts=[1, 1, 1, 1]).eval()
    with torch.no_grad():
        probabilities = module(torch.randn(2, 4, 8, 16))
    assert probabilities.shape == (2, 4)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(2))


@pytest.mark.parametrize(
    ("name", "rounds", "batch_size"),
    [
        ("deep_emocluster", 50, 64),
        ("acg_emocluster", 50, 32),
        *((name, 30, 64) for name in ("temp_gru", "temp_cnn", "temp_trans", "temp_triplet")),
        *((name, 30, 64) for name in ("cnn_regressor", "cnn_ae", "cnn_vae", "cnn_laddernet")),
    ],
)
def test_training_defaults_are_the_papers(name, rounds, batch_size, composed):
    cfg = composed(f"model={name}")
    assert (cfg.rounds, cfg.batch_size) == (rounds, batch_size)
    assert (cfg.num_clusters, cfg.lambda_cluster, cfg.gamma_triplet) == (10, 1, 1)


def test_the_supervised_baseline_trains_on_labels_alone_without_being_told(composed):
    assert composed("model=cnn_regressor").unlabeled_size == 0
    assert composed("model=cnn_ae").unlabeled_size == 200  # the built-in corpus's


def test_schedules(planned):
    def passes(*overrides):
        options = ("rounds=2", "training_defaults.pretrain_rounds=3", "unlabeled_size=10")
        return "".join(planned(*options, *overrides).passes)

    assert passes("model=deep_emocluster") == "ULUL"
    assert passes("model=deep_emocluster", "unlabeled_size=0") == "LL"
    assert passes("model=acg_emocluster") == "UUULL"
    assert passes("model=acg_emocluster", "unlabeled_size=0") == "LL"
    assert passes("model=acg_emocluster", "schedule=alternating") == "ULUL"
    assert passes("schedule=supervised", "unlabeled_size=0") == "LL"


@pytest.mark.parametrize(
    ("overrides", "what", "remedy"),
    [
        (["attribute=joy"], "'joy'", "arousal, dominance, valence, all"),
        (["rounds=0"], "rounds=0", "1 or more"),
        (["schedule=supervised", "unlabeled_size=10"], "supervised", "unlabeled_size=0"),
        (["trainer.precision=16-mixed"], "16-mixed", "bf16-mixed"),
        (["trainer.devices=3"], "batch_size=64", "a multiple of 3"),
        (["trainer.precision=bf16-mixed", "features.num_mels=32"], "num_mels=32", "trainer.precision=32-true"),
        (["trainer.precision=null"], "trainer.precision=None", "bf16-mixed"),
        (["run_root=/dev/null/x"], "run_root=/dev/null/x", "set run_root elsewhere"),
        (["store_root=/dev/null/x"], "store_root=/dev/null/x", "set store_root elsewhere"),
        (["trainer.precision=16"], "trainer.precision=16", "take one of 32"),
        (["seed=5000000000"], "seed=5000000000", "2^32 - 1"),
        (["data.max_bad_files=some"], "data.max_bad_files=some", "fraction"),
        (["data.pool_seed=-1"], "data.pool_seed=-1", "2^32 - 1"),
        (["trainer.threads=-1"], "trainer.threads=-1", "1 or more"),
        (["model.num_clusters=7"], "model.num_clusters=7", "num_clusters=7 alone"),
        (["callbacks.pseudo_labels.num_clusters=7"], "callbacks.pseudo_labels", "num_clusters=7 alone"),
        (["num_clusters=1"], "num_clusters", "2 or more"),
        (["num_clusters=ten"], "num_clusters", "2 or more"),
        (["batch_size=0"], "batch_size=0", "1 or more"),
        (["model=cnn_regressor", "unlabeled_size=8"], "learns from labels alone", "set unlabeled_size=0"),
        (["model=cnn_regressor", "unlabeled_size=8", "schedule=alternating"], "cnn_regressor", "unlabeled_size=0"),
        (["model=temp_trans", "gamma_triplet=0.5"], "model=temp_trans", "leave gamma_triplet out"),
        (["model=cnn_ae", "num_clusters=20"], "model=cnn_ae", "leave num_clusters out"),
        (["task.criterion=null"], "criterion", "ccc, chunk_loss"),
        (["model=cnn_vae", "lambda_cluster=2"], "model=cnn_vae", "leave lambda_cluster out"),
        (["model=temp_triplet", "gamma_triplet=-1"], "gamma_triplet=-1", "0 or more"),
        (["model=temp_triplet", "gamma_triplet=true"], "gamma_triplet=True", "number 0 or more"),
        *(
            ([f"model={name}", f"sampler={sampler}"], name, "sampler=sentence")
            for name in ("temp_gru", "temp_cnn", "temp_trans", "temp_triplet")
            for sampler in ("chunk", "natural")
        ),
        *(
            ([f"model={name}", f"sampler={sampler}"], f"model={name} makes no clusters", "take sampler=natural")
            for name in UNCLUSTERED
            for sampler in ("chunk", "sentence")
        ),
        (["~callbacks.pseudo_labels"], "deep_emocluster learns clusters", "leave callbacks.pseudo_labels as it is"),
        (["~callbacks.pseudo_labels", "sampler=natural"], "learns clusters", "leave callbacks.pseudo_labels as it is"),
        (
            ["model=cnn_vae", "+pseudo_labels@callbacks.pseudo_labels=kmeans"],
            "cnn_vae has no clusters",
            "leave callbacks.pseudo_labels out",
        ),
        (["model.lambda_cluster=2", "lambda_cluster=3"], "model.lambda_cluster=2", "lambda_cluster=2 alone"),
        (["rounds=many"], "rounds=many", "whole number"),
        (["lambda_cluster=-1"], "lambda_cluster=-1", "0 or more"),
        (["rounds=true"], "rounds=True", "whole number"),
        (["data.residency=gpu"], "data.residency=gpu", "auto, device, memory, disk"),
        (["model=acg_emocluster", "pretrain_rounds=0"], "pretrain_rounds=0", "unlabeled_size=0"),
        (["unlabeled_size=-1"], "unlabeled_size=-1", "labels alone"),
        (
            ["model=acg_emocluster", "encoder=acn_b", "temporal_net=bigru", "sampler=chunk"],
            "acg_emocluster",
            "sampler=sentence",
        ),
        (
            ["model=acg_emocluster", "encoder=acn_b", "temporal_net=bigru", "sampler=natural"],
            "acg_emocluster",
            "natural_sentence",
        ),
        (["logger.backend=tensorboard"], "logger.backend", "wandb or null"),
        (["sampler._target_=datamodules.samplers.PassSampler"], "PassSampler", "take sampler=chunk"),
        (["data=msp_podcast"], "data.root is not set", "data=msp_podcast data.root="),
        (["task.criterion=loss"], "loss", "ccc, chunk_loss"),
    ],
)
def test_contradictions_are_refused_with_a_remedy(overrides, what, remedy, planned):
    with pytest.raises(ConfigurationError) as caught:
        planned(*overrides)
    assert what in str(caught.value)
    assert remedy in str(caught.value)


@pytest.mark.parametrize("sampler", ["natural", "natural_sentence"])
def test_a_model_without_clusters_takes_every_sampler_that_needs_none(sampler, planned):
    assert planned("model=cnn_ae", f"sampler={sampler}").sampler.__name__.lower() == sampler.replace("_", "")


@pytest.mark.parametrize("sampler", ["chunk", "natural", "sentence", "natural_sentence"])
def test_acg_without_a_temporal_net_takes_every_sampler(sampler, planned):
    """Its default encoder reads every chunk by itself."""
    assert not planned("model=acg_emocluster", f"sampler={sampler}").sampler.__name__.startswith("Pass")


def test_sentences_too_short_for_triplets_are_told(planned):
    few = [*SIZE, f"data.chunks.max_seconds={3 * WINDOW.window_seconds}"]
    with pytest.raises(
        ConfigurationError, match=r"temp_triplet needs at least 4 chunks.*raise data\.chunks\.max_seconds"
    ):
        planned("model=temp_triplet", *few)
    assert planned("model=temp_triplet", *few, "regularizers.triplet.window=2").data.chunks.num_chunks == 3
    # And where a plan was made otherwise.
    made = planned("model=temp_triplet", *SIZE)
    short = replace(made, data=replace(made.data, chunks=replace(WINDOW, max_seconds=3 * WINDOW.window_seconds)))
    with pytest.raises(ConfigurationError, match="needs at least 4 chunks"):
        build_model(short, short.task)


def test_a_users_mistake_ends_with_one_sentence_and_code_2(capsys):
    with pytest.raises(SystemExit) as caught, user_errors():
        raise DataError("x.wav: broken; mend it.")
    assert caught.value.code == 2
    assert capsys.readouterr().err == "error: x.wav: broken; mend it.\n"


def test_an_interruption_ends_with_code_130():
    with pytest.raises(SystemExit) as caught, user_errors():
        raise KeyboardInterrupt
    assert caught.value.code == 130


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_told(planned):
    with pytest.raises(ConfigurationError, match="trainer=cpu"):
        planned("trainer=gpu")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("optimization.ownership=foo", "both_on_all, by_part"),
        ("task.ccc_variance=foo", "population, released"),
        ("model.embedding=foo", "encoder, temporal_net, classifier_hidden"),
        ("optimization.sgd_lr=-1", "sgd_lr is a finite number 0 or more"),
        ("encoder.attention_blocks=[8]", "numbers from 1 to 7"),
        ("+model.colour=blue", "colour"),
        ("+encoder.colour=blue", r"encoder\.colour: VGG16 has no such option; there are dropout, attention_blocks"),
        ("+task.colour=blue", r"task\.colour: Attributes has no such option"),
        ("+optimization.colour=blue", r"optimization\.colour: SGDAndAdam has no such option"),
        ("+features.colour=blue", r"features\.colour is not an option"),
        ("+trainer.colour=blue", r"trainer\.colour"),
        ("+logger.colour=blue", r"logger\.colour"),
        ("+schedule.colour=blue", r"colour"),
    ],
)
def test_wrong_options_are_told(override, message, planned):
    with pytest.raises(ConfigurationError, match=message):
        planned(override)


def test_bf16_is_taken_where_its_convolutions_are_right(planned):
    assert planned("trainer.precision=bf16-mixed", "features.num_mels=33").trainer.precision == "bf16-mixed"
