"""`fidelity=released` sets every switch, each switch can be set alone, and both come out in the objects built."""

import pytest
from hydra.errors import ConfigCompositionException
from omegaconf import OmegaConf
from tiny_training import MODELS, model, plan, trainer

from datamodules.errors import ConfigurationError
from datamodules.samplers import ChunkUniform, Reordered, SentenceUniform
from experiments import CONF
from experiments.config.composing import choices
from experiments.config.identity import outcome, run_hash
from experiments.console.user_errors import user_errors
from sermodels.tasks.attributes import CRITERIA

PAPER, RELEASED, LITERAL = (
    OmegaConf.load(CONF / "fidelity" / f"{name}.yaml") for name in ("paper", "released", "literal")
)
# Of these the published numbers are known to come from the released form, so it is the default too.
PUBLISHED = {"power", "clip", "peak_normalize", "rounding", "ownership", "vanilla_ownership"}
WITH_A_PROGRAM = ["cnn_regressor", "deep_emocluster", "temp_gru", "temp_cnn", "temp_trans", "temp_triplet"]


def test_all_have_the_same_switches_and_differ_in_what_they_are_for():
    assert set(PAPER) == set(RELEASED) == set(LITERAL)
    assert {name for name in PAPER if PAPER[name] != RELEASED[name]} == set(PAPER) - PUBLISHED
    assert {name for name in PAPER if PAPER[name] != LITERAL[name]} == PUBLISHED


def test_the_presets_are_three():
    assert choices("fidelity") == ["literal", "paper", "released"]


def arguments(one):
    """What the switches become: arguments of the model and its parts, by their place, and the sampler."""

    def flat(node, place):
        for key, value in node.items():
            if isinstance(value, dict):
                yield from flat(value, f"{place}{key}.")
            else:
                yield f"{place}{key}", value

    return dict(flat({"sampler": one.sampler.__name__, "task": one.task, **one.model}, ""))


LOSS = {"task.ccc_variance": "released"}
FAMILY = {"embedding": "classifier_hidden"} | LOSS


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("cnn_regressor", LOSS),
        ("deep_emocluster", FAMILY | {"freeze_emotion_regressor": True, "sampler": "Reordered"}),
        ("temp_gru", FAMILY),
        ("temp_cnn", FAMILY | {"temporal_net.output_channels": 1}),
        ("temp_trans", FAMILY | {"temporal_net.position_dropout": 0.0}),
        (
            "temp_triplet",
            FAMILY
            | {
                "encoder.dropout": 0.0,
                "regularizers.triplet.draw": "batch",
                "regularizers.triplet.anchor_first": True,
                "regularizers.triplet.on_unlabeled": True,
            },
        ),
    ],
)
def test_released_changes_what_it_says_and_nothing_else(name, changed):
    paper, released = (plan(name, f"fidelity={preset}") for preset in ("paper", "released"))
    assert arguments(released) == arguments(paper) | changed | {"task.criterion": "chunk_loss"}
    assert arguments(plan(name)) == arguments(paper)
    assert model(name, "fidelity=released").task.criterion == "chunk_loss"


@pytest.mark.parametrize("switch", list(PAPER))
def test_each_switch_alone_changes_the_run(switch, planned):
    """And one value of it alone."""
    words = {"temp_cnn": "temp_cnn", "temp_trans": "temp_trans", "triplet": "temp_triplet", "ownership": "temp_gru"}
    name = next((one for word, one in words.items() if word in switch and "vanilla" not in switch), "deep_emocluster")
    value = LITERAL[switch] if switch in PUBLISHED else RELEASED[switch]
    option = f"fidelity.{switch}={'null' if value is None else value}"
    before, after = (outcome(planned(f"model={name}", *some), "corpus") for some in ([], [option]))
    assert run_hash(before) != run_hash(after)
    changed = list(differing(before, after))
    assert len(changed) == 1, changed


def differing(one, other):
    """The places where two nodes of the same shape are not alike."""
    for key, value in one.items():
        if isinstance(value, dict):
            yield from differing(value, other[key])
        elif value != other[key]:
            yield key


def test_literal_is_the_papers_words(planned):
    vanilla, gru = (planned(f"model={name}", "fidelity=literal") for name in ("deep_emocluster", "temp_gru"))
    for made in (vanilla, gru):
        features = made.data.features
        assert (features.power, features.clip, features.peak_normalize) == (1.0, None, False)
        assert made.data.chunks.rounding == "exact"
    assert vanilla.model["optimization"]["ownership"] == "by_part"
    assert gru.model["optimization"]["ownership"] == "outputs_by_adam"
    paper = planned("model=temp_gru")
    assert gru.task == paper.task
    assert gru.sampler is paper.sampler
    assert gru.model | {"optimization": None} == paper.model | {"optimization": None}
    assert planned("model=acg_emocluster", "fidelity=literal").data.features.log  # ACG has features of its own


def test_samplers():
    assert plan().sampler is ChunkUniform
    assert plan("deep_emocluster", "fidelity=released").sampler is Reordered
    assert plan("deep_emocluster", "fidelity=released", "sampler=chunk").sampler is ChunkUniform
    assert plan("temp_gru", "fidelity=released").sampler is SentenceUniform


@pytest.mark.parametrize("name", MODELS)
def test_released_is_refused_where_no_program_was_released(name, planned):
    if name in WITH_A_PROGRAM:
        assert planned(f"model={name}", "fidelity=released").task["criterion"] == "chunk_loss"
    else:
        with pytest.raises(ConfigurationError, match=f"released no program of model={name}; take fidelity=paper"):
            planned(f"model={name}", "fidelity=released")


@pytest.mark.parametrize("value", ["Uniform", "PassSampler", "SentenceUniform", "null"])
def test_a_wrong_sampler_is_told_in_one_sentence(value, planned, capsys, caplog):
    with pytest.raises(SystemExit), user_errors():
        planned(f"fidelity.vanilla_sampler={value}")
    said = capsys.readouterr().err
    assert said.endswith(": take one of ChunkUniform, Reordered.\n")
    assert said.count("\n") == 1
    assert not caplog.records  # Hydra logs what it cannot find before it says so


def test_a_wrong_criterion_is_told(planned):
    with pytest.raises(ConfigurationError, match="criterion is one of ccc, chunk_loss, not 'loss'"):
        planned("fidelity.criterion=loss")


@pytest.mark.parametrize(
    ("overrides", "switch"),
    [
        (["model=temp_cnn", "fidelity.freeze_emotion_regressor=maybe"], "freeze_emotion_regressor=maybe"),
        (["model=temp_cnn", "fidelity=released", "fidelity.triplet_draw=sentence"], "triplet_draw=sentence"),
        (["model=cnn_ae", "fidelity.embedding=classifier_hidden"], "embedding=classifier_hidden"),
        (["model=acg_emocluster", "fidelity.embedding=classifier_hidden"], "embedding=classifier_hidden"),
        (["task=categories", "fidelity.ccc_variance=released"], "ccc_variance=released"),
        (["model=temp_gru", "fidelity.vanilla_sampler=PassSampler"], "vanilla_sampler=PassSampler"),
        (["sampler=chunk", "fidelity.vanilla_sampler=Reordered"], "vanilla_sampler=Reordered"),
        (["model.embedding=encoder", "fidelity.embedding=foo"], "embedding=foo"),
        (["model=temp_gru", "fidelity.vanilla_sampler=Reordered"], "vanilla_sampler=Reordered"),
        (["+fidelity.name=released"], "name=released"),
    ],
)
def test_a_switch_that_nothing_reads_is_refused(overrides, switch, planned):
    with pytest.raises(ConfigurationError, match=rf"fidelity\.{switch}: this run does not read.*; leave it out\.$"):
        planned(*overrides)


def test_a_part_brings_its_switches():
    """The triplet loss beside another model reads what it reads in Temp-Triplet."""
    options = ["+regularizer@regularizers.triplet=triplet", "fidelity.triplet_draw=batch"]
    assert plan("temp_gru", *options).model["regularizers"]["triplet"]["draw"] == "batch"


def test_a_preset_is_chosen_by_its_group_alone(composed):
    with pytest.raises(ConfigCompositionException):
        composed("fidelity.name=released")


@pytest.mark.parametrize("criterion", ["ccc", "chunk_loss"])
def test_the_best_checkpoint_is_chosen_by_the_criterion(criterion, tmp_path):
    one = plan("deep_emocluster", f"fidelity.criterion={criterion}")
    (best,) = (
        callback
        for callback in trainer(one, model("deep_emocluster", f"fidelity.criterion={criterion}"), tmp_path, 2).callbacks
        if getattr(callback, "filename", None) == "best"
    )
    assert (best.monitor, best.mode) == (f"validation/{criterion}", CRITERIA[criterion])
