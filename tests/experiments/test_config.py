import inspect
from dataclasses import replace

import pytest
import torch
from hydra.utils import get_class, get_object
from omegaconf import OmegaConf
from tiny_training import WINDOW, front_end

from datamodules.errors import DataError
from experiments import CONF
from experiments.assembly import make_model
from experiments.console import ConfigurationError, user_errors
from experiments.identity import outcome, run_hash
from experiments.models import model_arguments
from experiments.options import check_options, passes_of

MODELS = sorted(path.stem for path in (CONF / "model").glob("*.yaml"))
DATA = sorted(path.stem for path in (CONF / "data").glob("*.yaml"))
EXPERIMENTS = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))
GIVEN_BY_THE_PROGRAM = {
    "model": {"attributes", "num_frames", "num_mels"},
    "schedule": {"has_unlabeled"},
    "callbacks": {"directory"},
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("data", DATA)
def test_every_model_composes_with_every_corpus(model, data, composed):
    cfg = composed(f"model={model}", f"data={data}", "data.root=somewhere")
    OmegaConf.to_container(cfg, resolve=True)
    assert cfg.model.name == model
    assert cfg.data.name == data
    check_options(cfg)


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_composes(experiment, composed):
    cfg = composed(f"experiment={experiment}", "data.root=somewhere", "data.unlabeled_dir=somewhere")
    OmegaConf.to_container(cfg, resolve=True)
    check_options(cfg)


def targets(model, composed):
    cfg = composed(f"model={model}", "data.root=somewhere")
    yield (
        "model",
        model_arguments(cfg.model),
    )
    yield "schedule", cfg.schedule
    for node in cfg.get("callbacks", {}).values():
        yield "callbacks", node


@pytest.mark.parametrize("model", MODELS)
def test_yaml_keys_are_the_constructors_arguments(model, composed):
    for group, node in targets(model, composed):
        path = node["_target_"]
        arguments = set(inspect.signature(get_object(path)).parameters) - GIVEN_BY_THE_PROGRAM[group]
        assert set(node) - {"_target_"} == arguments, path


@pytest.mark.parametrize("model", MODELS)
def test_yaml_defaults_are_the_constructors_defaults(model, composed):
    for group, node in targets(model, composed):
        if group != "model":
            continue
        for name, parameter in inspect.signature(get_class(node["_target_"])).parameters.items():
            if name not in GIVEN_BY_THE_PROGRAM["model"]:
                default = list(parameter.default) if isinstance(parameter.default, tuple) else parameter.default
                assert node[name] == default, name


PRESETS = [
    ("spatial=vgg16", {"attention_blocks": []}),
    ("spatial=acn_s", {"attention_blocks": [1]}),
    ("spatial=acn_b", {"attention_blocks": [1, 3, 5, 7]}),
    ("spatial=acn_l", {"attention_blocks": [1, 2, 3, 4, 5, 6, 7]}),
    ("recurrence=none", {"recurrent": "none"}),
    ("recurrence=lstm", {"recurrent": "lstm"}),
    ("recurrence=gru", {"recurrent": "gru"}),
    ("recurrence=bilstm", {"recurrent": "bilstm"}),
    ("recurrence=bigru", {"recurrent": "bigru"}),
    ("combination=parallel", {"combination": "parallel"}),
    ("combination=serial_chunks", {"combination": "serial", "axis": "chunks"}),
    ("combination=serial_frames", {"combination": "serial", "axis": "frames"}),
]


@pytest.mark.parametrize(("preset", "arguments"), PRESETS, ids=[preset for preset, _ in PRESETS])
def test_every_preset_of_acg_changes_what_it_says_and_nothing_else(preset, arguments, composed):
    plain, cfg = (composed("model=acg_emocluster", *preset) for preset in ((), (preset,)))
    before, after = (OmegaConf.to_container(one.model, resolve=True) for one in (plain, cfg))
    assert after == before | arguments
    check_options(cfg)
    model = make_model(cfg, front_end())
    assert model(torch.randn(2, 3, 8, 16)).shape == (2, 1)


CLUSTERED = {
    "deep_emocluster": ("alternating", "vanilla", "deepemocluster"),
    **{
        name: ("alternating", "sentence", "deepemocluster")
        for name in ("temp_gru", "temp_cnn", "temp_trans", "temp_triplet")
    },
    "acg_emocluster": ("pretrain_then_joint", "sentence", "acg"),
}
BASELINES = {
    "cnn_regressor": ("supervised", "natural", "deepemocluster"),
    **{name: ("alternating", "natural", "deepemocluster") for name in ("cnn_ae", "cnn_vae", "cnn_laddernet")},
}


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_its_schedule_sampler_features_and_clusters(model, composed):
    cfg = composed(f"model={model}", "data.root=somewhere")
    assert set(CLUSTERED | BASELINES) == set(MODELS)
    for group, choice in zip(("schedule", "sampler", "features"), (CLUSTERED | BASELINES)[model], strict=True):
        chosen = OmegaConf.load(CONF / group / f"{choice}.yaml")
        assert OmegaConf.to_container(cfg[group], resolve=False) == OmegaConf.to_container(chosen, resolve=False)
    assert (model in CLUSTERED) is ("callbacks" in cfg)


@pytest.mark.parametrize("model", MODELS)
def test_every_knob_arrives_and_changes_the_hash(model, composed):
    def hashed(*overrides):
        return run_hash(outcome(composed(f"model={model}", *overrides), "corpus"))

    arriving = {"num_clusters=7", "lambda_cluster=0.5", "gamma_triplet=2"}
    if model not in CLUSTERED:
        arriving = set()
    elif model != "temp_triplet":
        arriving -= {"gamma_triplet=2"}
    for knob in arriving:
        assert hashed(knob) != hashed(), knob
    weights = make_model(composed(f"model={model}", *arriving), front_end()).loss_weights
    assert ("cluster" in weights) is (model in CLUSTERED)
    assert weights.get("cluster", 0.5) == 0.5
    assert weights.get("triplet", 2) == 2


def test_the_papers_preset_is_the_papers(composed):
    cfg = composed("experiment=acg_paper", "data.root=somewhere")
    assert (cfg.data.name, cfg.unlabeled_size, cfg.rounds, cfg.batch_size, cfg.num_clusters) == (
        *("msp_podcast", 15_000, 50, 32, 10),
    )
    plain = composed("model=acg_emocluster")
    assert OmegaConf.to_container(cfg.model, resolve=True) == OmegaConf.to_container(plain.model, resolve=True) | {
        "kv_pool": 1
    }


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model=temp_gru", "+recurrence=gru"], "recurrence: model=temp_gru has no such choice"),
        (["model=deep_emocluster", "+combination=serial_frames"], "combination: model=deep_emocluster has no such"),
        (["model=temp_triplet", "model.window=3"], "even number"),
        (["model=temp_triplet", "model.window=40"], "needs at least 22 chunks"),
        (["model=acg_emocluster", "recurrence=none", "combination=serial_chunks"], "needs a recurrent network"),
        (["model=temp_cnn", "model.attention_blocks=[9]"], "numbers from 1 to 7"),
        (["model=temp_gru", "spatial=acn_s", "model.kv_pool=0"], "kv_pool is a whole number"),
        (["model=temp_gru", "model.sgd_lr=nan"], "sgd_lr is a finite number"),
    ],
)
def test_what_a_model_does_not_take_is_told_before_any_work_is_done(overrides, message, composed):
    """check_options sees no data, so nothing can have been extracted."""
    with pytest.raises(ConfigurationError, match=message):
        check_options(composed(*overrides))


def test_a_choice_taken_away_is_told(composed, capsys):
    with pytest.raises(SystemExit) as caught, user_errors():
        check_options(composed("~spatial"))
    assert caught.value.code == 2
    assert "spatial" in capsys.readouterr().err


def test_no_preset_is_untested():
    there = {f"{group}={path.stem}" for group in ("spatial", "recurrence", "combination") for path in files(group)}
    assert there == {preset for preset, _ in PRESETS}


def files(group):
    return (CONF / group).glob("*.yaml")


@pytest.mark.parametrize("model", MODELS)
def test_one_override_puts_attention_blocks_into_any_model(model, composed):
    vgg, acn = (make_model(composed(f"model={model}", f"spatial={one}"), front_end()) for one in ("vgg16", "acn_b"))

    def attention(module):
        return [name for name, one in module.named_modules() if type(one).__name__ == "AttnConvBlock"]

    assert len(attention(acn)) == 4
    assert not attention(vgg)


@pytest.mark.parametrize("model", MODELS)
def test_any_model_predicts_all_attributes_at_once(model, composed):
    module = make_model(composed(f"model={model}", "attribute=all"), front_end())
    assert module.attributes == ("arousal", "dominance", "valence")
    assert module(torch.randn(2, 4, 8, 16)).shape == (2, 3)


@pytest.mark.parametrize(
    ("model", "rounds", "batch_size"),
    [
        ("deep_emocluster", 50, 64),
        ("acg_emocluster", 50, 32),
        *((name, 30, 64) for name in ("temp_gru", "temp_cnn", "temp_trans", "temp_triplet")),
        *((name, 30, 64) for name in ("cnn_regressor", "cnn_ae", "cnn_vae", "cnn_laddernet")),
    ],
)
def test_training_defaults_are_the_papers(model, rounds, batch_size, composed):
    cfg = composed(f"model={model}")
    assert (cfg.rounds, cfg.batch_size) == (rounds, batch_size)
    assert (cfg.num_clusters, cfg.lambda_cluster, cfg.gamma_triplet) == (10, 1, 1)


def test_the_supervised_baseline_trains_on_labels_alone_without_being_told(composed):
    assert composed("model=cnn_regressor").unlabeled_size == 0
    assert composed("model=cnn_ae").unlabeled_size == 200  # the built-in corpus's


def test_schedules(composed):
    def passes(*overrides):
        return "".join(passes_of(composed("rounds=2", "pretrain_rounds=3", "unlabeled_size=10", *overrides)))

    assert passes("model=deep_emocluster") == "ULUL"
    assert passes("model=deep_emocluster", "unlabeled_size=0") == "LL"
    assert passes("model=acg_emocluster") == "UUULL"
    assert passes("model=acg_emocluster", "unlabeled_size=0") == "LL"
    assert passes("model=acg_emocluster", "schedule=alternating") == "ULUL"
    assert passes("schedule=supervised", "unlabeled_size=0") == "LL"


@pytest.mark.parametrize(
    ("overrides", "what", "remedy"),
    [
        (["attribute=joy"], "joy", "arousal, dominance, valence, or all"),
        (["rounds=0"], "rounds=0", "1 or more"),
        (["schedule=supervised", "unlabeled_size=10"], "supervised", "unlabeled_size=0"),
        (["trainer.precision=16-mixed"], "16-mixed", "bf16-mixed"),
        (["trainer.devices=3"], "batch_size=64", "a multiple of 3"),
        (["trainer.precision=bf16-mixed", "features.num_mels=32"], "num_mels=32", "trainer.precision=32-true"),
        (["trainer.precision=null"], "trainer.precision=None", "bf16-mixed"),
        (["run_root=/dev/null/x"], "run_root=/dev/null/x", "set run_root elsewhere"),
        (["trainer.precision=16"], "trainer.precision=16", "take one of 32"),
        (["seed=5000000000"], "seed=5000000000", "2^32 - 1"),
        (["data.max_bad_files=some"], "data.max_bad_files=some", "fraction"),
        (["trainer.threads=-1"], "trainer.threads=-1", "1 or more"),
        (["model.num_clusters=7"], "model.num_clusters=7", "num_clusters=7 alone"),
        (["callbacks.pseudo_labels.num_clusters=7"], "callbacks.pseudo_labels", "num_clusters=7 alone"),
        (["num_clusters=1"], "num_clusters=1", "2 or more"),
        (["batch_size=0"], "batch_size=0", "1 or more"),
        (["model=cnn_regressor", "unlabeled_size=8"], "learns from labels alone", "set unlabeled_size=0"),
        (["model=cnn_regressor", "unlabeled_size=8", "schedule=alternating"], "cnn_regressor", "unlabeled_size=0"),
        (["model=temp_trans", "gamma_triplet=0.5"], "model=temp_trans has no triplet loss", "leave gamma_triplet out"),
        (["model=cnn_ae", "num_clusters=20"], "model=cnn_ae has no clusters", "leave num_clusters out"),
        (["~fidelity.criterion"], "fidelity.criterion=None", "take one of ccc, chunk_loss"),
        (["model=cnn_vae", "lambda_cluster=2"], "model=cnn_vae has no cluster loss", "leave lambda_cluster out"),
        (["model=temp_triplet", "gamma_triplet=-1"], "gamma_triplet=-1", "0 or more"),
        (["model=temp_triplet", "gamma_triplet=true"], "gamma_triplet=True", "set a number"),
        *(
            ([f"model={name}", "sampler=chunk"], name, "sampler=sentence")
            for name in ("temp_gru", "temp_cnn", "temp_trans", "temp_triplet")
        ),
        *(
            ([f"model={name}", f"sampler={sampler}"], f"model={name} makes no clusters", "take sampler=natural")
            for name in ("cnn_regressor", "cnn_ae", "cnn_vae", "cnn_laddernet")
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
        (["model=acg_emocluster", "sampler=chunk"], "acg_emocluster", "sampler=sentence"),
        (["model=acg_emocluster", "sampler=natural"], "acg_emocluster", "natural_sentence"),
    ],
)
def test_contradictions_are_refused_with_a_remedy(overrides, what, remedy, composed):
    with pytest.raises(ConfigurationError) as caught:
        check_options(composed(*overrides))
    assert what in str(caught.value)
    assert remedy in str(caught.value)


@pytest.mark.parametrize("sampler", ["natural", "natural_sentence"])
def test_a_model_without_clusters_takes_every_sampler_that_needs_none(sampler, composed):
    check_options(composed("model=cnn_ae", f"sampler={sampler}"))


def test_sentences_too_short_for_triplets_are_told(composed):
    few = replace(front_end(), chunks=replace(WINDOW, max_seconds=3 * WINDOW.window_seconds))
    with pytest.raises(
        ConfigurationError, match=r"temp_triplet needs at least 4 chunks.*raise data\.chunks\.max_seconds"
    ):
        make_model(composed("model=temp_triplet"), few)
    make_model(composed("model=temp_triplet", "model.window=2"), few)


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
def test_a_gpu_that_is_not_there_is_told(composed):
    with pytest.raises(ConfigurationError, match="trainer=cpu"):
        check_options(composed("trainer=gpu"))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.optimizers=foo", "both_on_all, by_part"),
        ("model.ccc_variance=foo", "population, released"),
        ("model.embedding=foo", "latent, classifier_hidden"),
        ("model.sgd_lr=-1", "sgd_lr is a finite number 0 or more"),
        ("model.attention_blocks=[8]", "numbers from 1 to 7"),
        ("+model.colour=blue", "colour"),
    ],
)
def test_a_models_wrong_options_are_told(override, message, composed):
    with pytest.raises(ConfigurationError, match=message):
        make_model(composed(override), front_end())


def test_bf16_is_taken_where_its_convolutions_are_right(composed):
    check_options(composed("trainer.precision=bf16-mixed", "features.num_mels=33"))
