"""Combinations that no class was written for: a command line makes them, and all is as it is for the papers' models."""

import pytest
import torch
from one_step import ROOMY, changed_by_a_step, taught
from tiny_training import CHUNKS, CLUSTERED, FRAMES, MELS, batch, data_for, model, plan, trainer

from datamodules.errors import ConfigurationError
from experiments.config.composing import choices
from experiments.results.loading import load_predictor
from sermodels.encoders.attn_conv import MapAttention
from sermodels.temporal_nets.transformer import TemporalTransformer


def adding(regularizer, slot=None):
    """The option that sets a regularizer beside whatever there is."""
    return f"+regularizer@regularizers.{slot or regularizer}={regularizer}"


# Literal attention within Φ, and a transformer over the chunks; the sampler, because the transformer must see whole
# sentences. Of temp_triplet it is triplets, transformer and attention.
ATTENTIVE = ("encoder=acn_b", "encoder.kv_pool=1", "temporal_net=transformer", "sampler=sentence")
CLUSTERING = {"ccc", "cluster"}
# The losses on L, and those on U.
COMBINATIONS = {
    **{
        (name, *ATTENTIVE): (CLUSTERING | ({"triplet"} if name == "temp_triplet" else set()), {"cluster"})
        for name in CLUSTERED
    },
    ("temp_gru", adding("triplet")): (CLUSTERING | {"triplet"}, {"cluster"}),
    ("deep_emocluster", adding("reconstruction")): (
        CLUSTERING | {"reconstruction"},
        {"cluster", "reconstruction"},
    ),
    ("temp_gru", "encoder=variational", adding("reconstruction"), adding("kl")): (
        CLUSTERING | {"reconstruction", "kl"},
        {"cluster", "reconstruction", "kl"},
    ),
    ("temp_cnn", "encoder=ladder", adding("denoising")): (
        CLUSTERING | {f"denoising_{layer}" for layer in range(8)},
        {"cluster"} | {f"denoising_{layer}" for layer in range(8)},
    ),
    ("cnn_regressor", "schedule=alternating", "unlabeled_size=5", adding("reconstruction")): (
        {"ccc", "reconstruction"},
        {"reconstruction"},
    ),
    ("cnn_regressor", "sampler=natural_sentence", adding("triplet")): ({"ccc", "triplet"}, set()),
}


def described(case):
    return " ".join(case)


@pytest.mark.parametrize("case", COMBINATIONS, ids=described)
def test_the_losses_of_each_set_are_those_of_the_parts(case):
    one = model(*case)
    on_l, on_u = COMBINATIONS[case]
    assert set(one.losses(batch("L"))) == on_l == set(one.loss_weights)
    assert set(one.losses(batch("U"))) == on_u
    assert one.learns_from_unlabeled is bool(on_u)
    assert all(torch.isfinite(loss) for loss in one.losses(batch("L")).values())


@pytest.mark.parametrize("case", COMBINATIONS, ids=described)
def test_a_step_changes_every_part(case):
    every = taught(name for name, _ in model(*case).named_parameters())
    assert taught(changed_by_a_step(model(*case, *ROOMY), "L")) == every
    on_u = {name for name in every if not name.startswith("emotion_regressor.")} if COMBINATIONS[case][1] else set()
    assert taught(changed_by_a_step(model(*case, *ROOMY), "U")) == on_u


@pytest.mark.parametrize("case", COMBINATIONS, ids=described)
def test_it_trains_and_comes_back_from_its_checkpoint_alone(case, tmp_path):
    one, run = model(*case), plan(*case)
    before = {name: p.detach().clone() for name, p in one.named_parameters()}
    passes = "UL" if one.learns_from_unlabeled else "L"
    trainer(run, one, tmp_path, len(passes)).fit(one, datamodule=data_for(run, passes))
    moved = {name for name, p in one.named_parameters() if not torch.equal(p, before[name])}
    assert {name.split(".")[0] for name in moved} == {name.split(".")[0] for name in before}
    again = load_predictor(tmp_path / "checkpoints" / "last.ckpt").model
    assert type(again) is type(one)
    assert str(again) == str(one)
    assert again.state_dict().keys() == one.state_dict().keys()
    assert again.loss_weights == one.loss_weights
    chunks = batch().chunks
    with torch.no_grad():
        assert torch.equal(again(chunks), one.eval()(chunks))


@pytest.mark.parametrize("name", CLUSTERED)
def test_the_parts_asked_for_are_the_parts_there_are(name):
    one = model(name, *ATTENTIVE)
    attention = [each for each in one.encoder.modules() if isinstance(each, MapAttention)]
    assert [each.kv_pool for each in attention] == [1, 1, 1, 1]
    assert isinstance(one.temporal_net, TemporalTransformer)
    assert type(one).__module__ == f"sermodels.{name}"
    assert ("triplet" in one.regularizers) is (name == "temp_triplet")
    assert one.min_chunks == (4 if name == "temp_triplet" else 1)


def test_a_temporal_net_is_refused_where_single_chunks_are_drawn():
    with pytest.raises(ConfigurationError, match="reads whole sentences, but sampler ChunkUniform draws single chunks"):
        plan("deep_emocluster", "temporal_net=transformer")
    with pytest.raises(ConfigurationError, match="reads whole sentences, but sampler Natural draws single chunks"):
        plan("cnn_regressor", adding("triplet"))


def test_triplets_beside_a_temporal_net_are_of_what_it_reads():
    """On h, not on Ψ(h): so they teach Φ and nothing else."""
    one = model("temp_gru", adding("triplet"))
    one.losses(batch())["triplet"].backward()
    taught_by_it = {name.split(".")[0] for name, p in one.named_parameters() if p.grad is not None and p.grad.any()}
    assert taught_by_it == {"encoder"}


def test_a_regularizer_beside_another_model_is_the_one_of_its_own_model():
    """The same losses of the same network: cnn_regressor with a reconstruction is cnn_ae."""
    whole = ("schedule=alternating", "unlabeled_size=5")
    composed, written = model("cnn_regressor", *whole, adding("reconstruction")), model("cnn_ae")
    assert composed.state_dict().keys() == written.state_dict().keys()
    composed.load_state_dict(written.state_dict())
    ours, theirs = (one.eval().losses(batch()) for one in (composed, written))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert composed.loss_weights == written.loss_weights


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (("cnn_ae", adding("reconstruction", "again")), "regularizers.again: there is another loss reconstruction"),
        (
            ("temp_gru", adding("triplet", "near"), adding("triplet", "far")),
            "regularizers.far: there is another loss triplet; leave one of them out",
        ),
        (("cnn_vae", adding("kl", "again")), "regularizers.again: there is another loss kl"),
    ],
)
def test_two_losses_of_one_name_are_refused(case, message):
    with pytest.raises(ConfigurationError, match=message):
        plan(*case)


PAIRS = [
    *((encoder, "transformer") for encoder in choices("encoder")),
    *(("parallel", net) for net in choices("temporal_net")),
]


@pytest.mark.parametrize(("encoder", "net"), dict.fromkeys(PAIRS))
def test_every_encoder_goes_with_a_temporal_net_and_every_temporal_net_with_an_encoder(encoder, net):
    fitting = ("encoder.num_levels=2", "encoder.num_features=256") if encoder == "pyramid" else ()
    one = model("deep_emocluster", f"encoder={encoder}", f"temporal_net={net}", "sampler=sentence", *fitting)
    assert one.latents(torch.randn(2, CHUNKS, FRAMES, MELS)).shape == (2, CHUNKS, 256)
    losses = one.losses(batch())
    assert set(losses) == CLUSTERING
    sum(losses.values()).backward()
    assert not [name for name, p in one.named_parameters() if p.grad is None]
