"""What cannot be meant is refused, with a remedy, before any work is done."""

import re
from dataclasses import replace

import pytest
import torch
from hydra.errors import ConfigCompositionException
from tiny_training import SIZE, UNCLUSTERED, WINDOW

from datamodules.errors import ConfigurationError
from experiments.config.building import build_model
from experiments.console.user_errors import user_errors


def test_an_option_that_there_is_not_is_refused(planned):
    with pytest.raises(ConfigurationError, match=r"^foo=1: there is no option of this name; leave it out\.$"):
        planned("+foo=1")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model=cnn_regressor", "+temporal_net=gru"], "temporal_net: model=cnn_regressor has no such part"),
        (["+regularizer=triplet"], r"regularizer: nothing reads it there; .*regularizer@regularizers\.NAME"),
        (["model=cnn_ae", "regularizers=null"], "regularizers=null: is no group of options"),
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
        (["model=temp_gru", "optimization.sgd_lr=nan"], "optimization.sgd_lr=nan: set a number that is finite"),
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


@pytest.mark.parametrize(
    ("overrides", "what", "remedy"),
    [
        (["attribute=joy"], "'joy'", "arousal, dominance, valence, several as in arousal+valence, or all"),
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
        (["data.max_bad_files=some"], "data.max_bad_files=some", "set a number"),
        (["data.max_bad_files=2"], "data.max_bad_files=2", "fraction"),
        (["data.pool_seed=-1"], "data.pool_seed=-1", "2^32 - 1"),
        (["trainer.threads=-1"], "trainer.threads=-1", "from 1 to"),
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
        (["logger.backend=tensorboard"], "logger.backend", "wandb, trackio or null"),
        (["sampler._target_=datamodules.samplers.PassSampler"], "PassSampler", "choose another sampler"),
        (["data=msp_podcast"], "data.root is not set", "data=msp_podcast data.root="),
        (["task.criterion=loss"], "loss", "ccc, chunk_loss"),
    ],
)
def test_contradictions_are_refused_with_a_remedy(overrides, what, remedy, planned):
    with pytest.raises(ConfigurationError) as caught:
        planned(*overrides)
    assert what in str(caught.value)
    assert remedy in str(caught.value)


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
        ("+features.colour=blue", r"features\.colour: FeatureSettings has no such option"),
        ("+trainer.colour=blue", r"trainer\.colour"),
        ("+logger.colour=blue", r"logger\.colour"),
        ("+schedule.colour=blue", r"colour"),
    ],
)
def test_wrong_options_are_told(override, message, planned):
    with pytest.raises(ConfigurationError, match=message):
        planned(override)


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


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_told(planned):
    with pytest.raises(ConfigurationError, match="trainer=cpu"):
        planned("trainer=gpu")


def test_bf16_is_taken_where_its_convolutions_are_right(planned):
    assert planned("trainer.precision=bf16-mixed", "features.num_mels=33").trainer.precision == "bf16-mixed"


# One of each thing that was once taken for something else, or found only when a training had begun.
MISTYPED = {
    **{f"overwrite={word}": "overwrite" for word in ("no", "off", "maybe", "abc", "1", "null")},
    "trainer.channels_last=maybe": "set true or false",
    "trainer.progress_bar=1": "set true or false",
    "+logger.offline=perhaps": "set true or false",
    "trainer.accelerator=null": "set a word",
    "trainer.accelerator=tpu": "take trainer=cpu or trainer=gpu",
    "trainer.devices=two": "set a whole number",
    "trainer.threads=0": "from 1 to 1024, or null",
    "trainer.threads=99999": "from 1 to 1024, or null",
    "~batch_size": "every run needs it",
    "~overwrite": "every run needs it",
    "~pretrain_rounds": "every run needs it",
    "~training_defaults": "every run needs it",
    "~fidelity.temp_cnn_output_channels": "every preset has it",
    "~data.root": "data.root is not set",
    "+trainer.max_epochs=3": "no such option",
    "~trainer.num_nodes": "TrainerPlan needs it",
    "data.workers=abc": "set a whole number or null",
    "data.workers=0": "1 or more, or null",
    "data.chunks.max_seconds=inf": "data.chunks.max_seconds=inf: set a number",
    "data.chunks.window_seconds=abc": "set a number",
    "data.chunks=null": "is no group of options",
    "data.corpus=null": "is no group of options",
    "data.corpus.train=many": "set a whole number",
    "data.corpus.max_seconds=nan": "set a number",
    "+data.corpus.colour=1": "read has no such option",
    "+data.pool.scan_cache=x": "read_pool has no such option",
    "+data.colour=1": "does not read it",
    "data.name=a/b": "names the run's folder",
    "data.name=null": "names the run's folder",
    "data.root=null": "give the folder of the corpus",
    "model.name=../../evil": "names the run's folder",
    "model.name=.hidden": "names the run's folder",
    "run_root=null": "no folder is given",
    "store_root=": "no folder is given",
    "+model.num_frames=3": "no such option",
    "+model.task=3": "no such option",
    "+sampler.colour=1": "samplers have no options",
    "+training_defaults.colour=1": "nothing reads it",
    "training_defaults=null": "is no group of options",
    "callbacks=null": "is no group of options",
    "callbacks.pseudo_labels=null": "leave it out",
    "callbacks.pseudo_labels.seed=abc": "set a whole number",
    "callbacks.pseudo_labels.iterations=0": "1 or more",
    "callbacks.pseudo_labels.backend=sklearn": "auto, faiss or torch",
    "~callbacks.pseudo_labels.iterations": "",
    "features.num_mels=abc": "set a whole number",
    "features.clip=abc": "set a number or null",
    "features.log=1": "set true or false",
}


@pytest.mark.parametrize("option", MISTYPED)
def test_the_whole_config_is_checked_by_type(option, planned):
    if not MISTYPED[option]:
        assert planned(option).callbacks["pseudo_labels"]  # left to its constructor
        return
    with pytest.raises(ConfigurationError, match=re.escape(MISTYPED[option])) as told:
        planned(option)
    assert "\n" not in str(told.value)


FOREIGN = ("os.system", "experiments.jobs.job.run_job")
NODES = (
    *(
        "model",
        "encoder",
        "temporal_net",
        "optimization",
        "task",
        "regularizers.triplet",
        "regularizers.triplet.decoder",
    ),
    *("schedule", "sampler", "callbacks.pseudo_labels", "callbacks.mine", "data.corpus", "data.pool"),
)


@pytest.mark.parametrize("target", FOREIGN)
@pytest.mark.parametrize("node", NODES)
def test_nothing_foreign_is_called_whichever_node_names_it(node, target, planned):
    with pytest.raises(ConfigurationError, match=rf"{re.escape(target)} is not one of|no such option"):
        planned("model=temp_triplet", f"++{node}._target_={target}")


def test_what_a_module_of_ours_has_from_elsewhere_is_foreign_too(planned):
    with pytest.raises(ConfigurationError, match="is not one of callbacks"):
        planned("callbacks.cluster_health._target_=callbacks.cluster_health.CsvTable")


@pytest.mark.parametrize("option", ["lambda_cluster=nan", "optimization.adam_lr=inf"])
def test_no_option_is_nan_or_infinite(planned, option):
    with pytest.raises(ConfigurationError, match=r"set a number that is finite"):
        planned(option)


def test_a_plan_makes_no_folder(planned, tmp_path):
    planned(f"run_root={tmp_path / 'runs'}", f"store_root={tmp_path / 'stores'}")
    assert not list(tmp_path.iterdir())


def test_released_categories_are_refused(planned):
    with pytest.raises(ConfigurationError, match="the released programs tell attributes; take task=attributes"):
        planned("fidelity=released", "task=categories")
