"""`fidelity=released` sets every switch, each switch can be set alone, and both come out in the objects built."""

import pytest
from hydra.errors import ConfigCompositionException
from omegaconf import OmegaConf
from tiny_training import front_end

from callbacks.checkpoints import CRITERIA
from datamodules.samplers import ChunkUniform, Natural, SentenceUniform
from experiments import CONF
from experiments.assembly import make_model, make_trainer
from experiments.console import ConfigurationError, user_errors
from experiments.identity import outcome, run_hash
from experiments.options import check_options, sampler_class

PAPER, RELEASED = (OmegaConf.load(CONF / "fidelity" / f"{name}.yaml") for name in ("paper", "released"))
WITH_A_PROGRAM = ["cnn_regressor", "deep_emocluster", "temp_gru", "temp_cnn", "temp_trans", "temp_triplet"]


def test_both_have_the_same_switches_and_differ_in_each():
    assert set(PAPER) == set(RELEASED)
    assert all(PAPER[name] != RELEASED[name] for name in PAPER)


def test_the_presets_are_two():
    assert {path.stem for path in (CONF / "fidelity").glob("*.yaml")} == {"paper", "released"}


def arguments(cfg):
    """What the switches become: arguments of the model, the sampler, and what the best model is chosen by."""
    return OmegaConf.to_container(cfg.model, resolve=True) | {
        "sampler": sampler_class(cfg).__name__,
        "criterion": cfg.fidelity.criterion,
    }


@pytest.mark.parametrize(
    ("model", "changed"),
    [
        ("cnn_regressor", {"ccc_variance": "released"}),
        (
            "deep_emocluster",
            {
                "embedding": "classifier_hidden",
                "ccc_variance": "released",
                "freeze_emotion_regressor": True,
                "sampler": "Natural",
            },
        ),
        ("temp_gru", {"embedding": "classifier_hidden", "ccc_variance": "released"}),
        ("temp_cnn", {"embedding": "classifier_hidden", "ccc_variance": "released", "temporal_output_channels": 1}),
        ("temp_trans", {"embedding": "classifier_hidden", "ccc_variance": "released"}),
        (
            "temp_triplet",
            {
                "embedding": "classifier_hidden",
                "ccc_variance": "released",
                "dropout": 0.0,
                "triplet_draw": "batch",
                "triplet_on_unlabeled": True,
            },
        ),
    ],
)
def test_released_changes_what_it_says_and_nothing_else(model, changed, composed):
    paper, released = (composed(f"model={model}", f"fidelity={name}") for name in ("paper", "released"))
    assert arguments(released) == arguments(paper) | changed | {"criterion": "chunk_loss"}
    assert arguments(composed(f"model={model}")) == arguments(paper)
    check_options(released)
    make_model(released, front_end())


@pytest.mark.parametrize("switch", list(PAPER))
def test_each_switch_alone_changes_the_run(switch, composed):
    model = {"temp_cnn_output_channels": "temp_cnn", "vanilla_sampler": "deep_emocluster"}.get(
        switch, "temp_triplet" if "triplet" in switch else "deep_emocluster"
    )
    plain, alone = (composed(f"model={model}", *some) for some in ([], [f"fidelity.{switch}={RELEASED[switch]}"]))
    check_options(alone)
    assert run_hash(outcome(plain, "corpus")) != run_hash(outcome(alone, "corpus"))
    differing = {name for name, value in arguments(alone).items() if value != arguments(plain)[name]}
    assert len(differing) == 1


def test_samplers(composed):
    assert sampler_class(composed()) is ChunkUniform
    assert sampler_class(composed("fidelity=released")) is Natural
    assert sampler_class(composed("fidelity=released", "sampler=chunk")) is ChunkUniform
    assert sampler_class(composed("fidelity=released", "model=temp_gru")) is SentenceUniform


@pytest.mark.parametrize("model", sorted(path.stem for path in (CONF / "model").glob("*.yaml")))
def test_released_is_refused_where_no_program_was_released(model, composed):
    cfg = composed(f"model={model}", "fidelity=released")
    if model in WITH_A_PROGRAM:
        check_options(cfg)
    else:
        with pytest.raises(ConfigurationError, match=f"released no program of model={model}; take fidelity=paper"):
            check_options(cfg)


@pytest.mark.parametrize("value", ["Uniform", "PassSampler", "SentenceUniform", "null"])
def test_a_wrong_sampler_is_told_in_one_sentence(value, composed, capsys, caplog):
    with pytest.raises(SystemExit), user_errors():
        check_options(composed(f"fidelity.vanilla_sampler={value}"))
    said = capsys.readouterr().err
    assert said.endswith(": take one of ChunkUniform, Natural.\n")
    assert said.count("\n") == 1
    assert not caplog.records  # Hydra logs what it cannot find before it says so


def test_a_wrong_criterion_is_told(composed):
    with pytest.raises(ConfigurationError, match="criterion=loss: take one of ccc, chunk_loss"):
        check_options(composed("fidelity.criterion=loss"))


@pytest.mark.parametrize(
    ("overrides", "switch", "of"),
    [
        (["model=temp_cnn", "fidelity.freeze_emotion_regressor=maybe"], "freeze_emotion_regressor=maybe", "deep_"),
        (
            ["model=temp_cnn", "fidelity=released", "fidelity.triplet_draw=sentence"],
            "triplet_draw=sentence",
            "_triplet",
        ),
        (["model=cnn_ae", "fidelity.embedding=classifier_hidden"], "embedding=classifier_hidden", "deep_emocluster"),
        (["model=acg_emocluster", "fidelity.ccc_variance=released"], "ccc_variance=released", "cnn_ae, model="),
        (
            ["model=temp_gru", "fidelity.vanilla_sampler=PassSampler"],
            "vanilla_sampler=PassSampler",
            "model=deep_emocluster;",
        ),
        (["sampler=chunk", "fidelity.vanilla_sampler=Natural"], "vanilla_sampler=Natural", "sampler=vanilla"),
        (["model.embedding=latent", "fidelity.embedding=foo"], "embedding=foo", "deep_emocluster"),
        (["model=temp_gru", "fidelity.vanilla_sampler=Natural"], "vanilla_sampler=Natural", "model=deep_emocluster;"),
        (["+fidelity.name=released"], "name=released", "nothing"),
    ],
)
def test_a_switch_that_nothing_reads_is_refused(overrides, switch, of, composed):
    with pytest.raises(ConfigurationError, match=rf"fidelity\.{switch}: this run does not read.* of .*{of}.*leave it"):
        check_options(composed(*overrides))


def test_a_preset_is_chosen_by_its_group_alone(composed):
    with pytest.raises(ConfigCompositionException):
        composed("fidelity.name=released")


@pytest.mark.parametrize("criterion", ["ccc", "chunk_loss"])
def test_the_best_checkpoint_is_chosen_by_the_criterion(criterion, composed, tmp_path):
    cfg = composed(f"fidelity.criterion={criterion}", "trainer.progress_bar=false")
    trainer = make_trainer(cfg, make_model(cfg, front_end()), ["U", "L"], tmp_path, False)
    (best,) = (one for one in trainer.checkpoint_callbacks if one.filename == "best")
    assert (best.monitor, best.mode) == (f"validation/{criterion}", CRITERIA[criterion])
