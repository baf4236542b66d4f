import math

import numpy as np
import pytest
import torch
from references.transformer import encoder_layer
from tiny_training import CHUNKS, CLUSTERED, FRAMES, MELS, batch, model, sized

from sermodels.deep_emocluster import DeepEmoCluster
from sermodels.temp_cnn import TempCNN
from sermodels.temp_gru import TempGRU
from sermodels.temp_trans import TempTrans
from sermodels.temp_triplet import TempTriplet
from sermodels.temporal_nets.cnn import TemporalCNN
from sermodels.temporal_nets.temporal_net import NoTemporalNet
from sermodels.temporal_nets.transformer import TemporalTransformer, sinusoidal_positions

TEMPORAL = [name for name in CLUSTERED if type(model(name).temporal_net) is not NoTemporalNet]
OTHERS = [name for name in CLUSTERED if name not in TEMPORAL]
# Combinations without a class of their own: ACG's serial ones, and ACG's other encoder.
VARIANTS = [
    *(("acg_emocluster", "encoder=acn_b", f"temporal_net={net}") for net in ("gru", "bigru", "lstm", "bilstm")),
    ("acg_emocluster", "encoder=serial_frames"),
]
ALL = [*((name,) for name in CLUSTERED), *VARIANTS]


def parameters(model):
    return sum(p.numel() for p in model.parameters())


def test_which_models_have_a_temporal_net():
    assert {"temp_gru", "temp_cnn", "temp_trans"} <= set(TEMPORAL)
    assert {"deep_emocluster", "temp_triplet", "acg_emocluster"} <= set(OTHERS)


def test_sizes():
    vanilla = parameters(DeepEmoCluster(num_clusters=10))
    assert vanilla == 831_979
    assert parameters(TempGRU()) - vanilla == 296_448
    assert parameters(TempTrans()) - vanilla == 395_776
    assert parameters(TempTriplet()) == vanilla
    # Two convolutions of 16 channels with their norms, and the 1x1 convolution; as released the second has one channel.
    assert parameters(TempCNN()) - vanilla == (25 * 16 + 16 + 32) + (25 * 16 * 16 + 16 + 32) + 17
    released = model("temp_cnn", "fidelity=released", "num_clusters=10", *sized(62, 128))
    assert parameters(released) - vanilla == (25 * 16 + 16 + 32) + (25 * 16 + 1 + 2)


def test_the_claim_that_temp_triplet_is_a_third_smaller_than_temp_trans():
    """Lin & Busso 2024, section 5.1: "approximately 33 %" fewer."""
    assert 1 - parameters(TempTriplet()) / parameters(TempTrans()) == pytest.approx(0.33, abs=0.01)


def prediction_moves(case, order):
    """How much a sentence's latent mean moves when its chunks come in another order, relative to its size."""
    one = model(*case).double().eval()
    with torch.no_grad():
        for name, p in one.encoder.named_parameters():
            if name.startswith(("output.", "spatial.output.")):
                p.normal_(0, 0.3)  # starting weights make all chunks nearly alike
        chunks = torch.randn(4, 6, FRAMES, MELS, dtype=torch.float64)
        there, shuffled = one.latents(chunks).mean(1), one.latents(chunks[:, order]).mean(1)
    return float((there - shuffled).norm() / there.norm())


@pytest.mark.parametrize("case", [*((name,) for name in TEMPORAL), *VARIANTS[:-1]], ids=" ".join)
def test_a_temporal_net_hears_the_order_of_chunks(case):
    assert prediction_moves(case, [3, 0, 5, 1, 4, 2]) > 1e-4


@pytest.mark.parametrize("case", [*((name,) for name in OTHERS), VARIANTS[-1]], ids=" ".join)
def test_a_model_without_a_temporal_net_does_not(case):
    # float64: a mean of six values in two orders.
    assert prediction_moves(case, [3, 0, 5, 1, 4, 2]) < 1e-12


def test_a_transformer_without_positions_would_not():
    """So it is the positions that tell Temp-Trans the order."""
    torch.manual_seed(0)
    net = TemporalTransformer(256, 0.3).double().eval()
    h = torch.randn(2, 6, 256, dtype=torch.float64)
    order = [3, 0, 5, 1, 4, 2]
    with torch.no_grad():
        torch.testing.assert_close(net.layer(h)[:, order], net.layer(h[:, order]))
        assert (net(h)[:, order] - net(h[:, order])).abs().max() > 1e-2


@pytest.mark.parametrize("name", TEMPORAL)
def test_every_chunk_is_heard_together_with_its_neighbours(name):
    one = model(name).eval()
    h = torch.randn(1, 5, 256, requires_grad=True)
    one.temporal_net(h)[0, 0].square().sum().backward()
    heard = (h.grad[0] != 0).any(1).tolist()
    # Two 5-wide convolutions reach four chunks to either side; the others reach everywhere.
    assert heard == [True] * 5


def test_two_convolutions_reach_four_chunks():
    one = model("temp_cnn").eval()
    h = torch.randn(1, 11, 256, requires_grad=True)
    one.temporal_net(h)[0, 0].square().sum().backward()
    assert (h.grad[0] != 0).any(1).tolist() == [True] * 5 + [False] * 6


def test_the_transformer_layer_equals_one_written_out():
    """One head, post-norm, ReLU."""
    torch.manual_seed(0)
    net = TemporalTransformer(256, 0.3).double().eval()
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.1 * torch.randn_like(p))
    h = torch.randn(1, 6, 256, dtype=torch.float64)
    weights = {name: value.numpy() for name, value in net.layer.state_dict().items()}
    expected = encoder_layer((h + sinusoidal_positions(6, 256))[0].numpy(), weights)
    # float64: sums of 256 products in two orders.
    np.testing.assert_allclose(net(h)[0].detach().numpy(), expected, atol=1e-10)


def test_the_convolution_blocks_end_in_a_relu():
    torch.manual_seed(0)
    for net in (TemporalCNN(), TemporalCNN(output_channels=1)):
        maps = net.blocks(torch.randn(2, 1, 5, 256))
        assert maps.min() == 0
        assert 0.2 < (maps == 0).float().mean() < 0.8


def test_positions_are_the_papers():
    table = sinusoidal_positions(11, 256)
    for place in (0, 1, 7, 10):
        for i in (0, 1, 60, 127):
            angle = place / 10_000 ** (2 * i / 256)
            # float32 sines of float32 angles up to 10.
            assert table[place, 2 * i].item() == pytest.approx(math.sin(angle), abs=1e-6)
            assert table[place, 2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-6)


@pytest.mark.parametrize("case", ALL, ids=" ".join)
def test_what_is_clustered_is_the_features_before_or_after_the_temporal_net_or_as_released_the_classifiers(case):
    encoder, net, released, means = (
        model(*case, f"model.embedding={one}").eval()
        for one in ("encoder", "temporal_net", "classifier_hidden", "sentence_mean")
    )
    for one in (net, released, means):
        one.load_state_dict(encoder.state_dict())
    chunks = torch.randn(2, CHUNKS, FRAMES, MELS)
    with torch.no_grad():
        assert torch.equal(encoder.embed(chunks), encoder.encode(chunks))
        assert torch.equal(net.embed(chunks), net.latents(chunks))
        assert torch.equal(released.embed(chunks), released.cluster_classifier.hidden(released.latents(chunks)))
        assert (released.embed(chunks) < 0).any()  # before the ReLU
        assert means.embed(chunks).shape == net.embed(chunks).shape
        for chunk in range(CHUNKS):
            torch.testing.assert_close(means.embed(chunks)[:, chunk], net.utterance_embedding(chunks))


@pytest.mark.parametrize("name", CLUSTERED)
def test_a_papers_model_clusters_what_its_paper_says(name):
    """Φ's output; ACG-EmoCluster what its heads read."""
    own = "temporal_net" if name == "acg_emocluster" else "encoder"
    assert model(name).embedding == own
    if name != "acg_emocluster":  # which has no released program
        assert model(name, "fidelity=released").embedding == "classifier_hidden"


@pytest.mark.parametrize("case", ALL, ids=" ".join)
@pytest.mark.parametrize("num_chunks", [1, 4, 11])
def test_any_number_of_chunks_is_read(case, num_chunks):
    chunks = torch.randn(2, num_chunks, FRAMES, MELS)
    one = model(*case, "attribute=all")
    assert one.latents(chunks).shape == (2, num_chunks, 256)
    assert one(chunks).shape == (2, 3)


# The models that may see chunks one by one; another one like them must be entered.
CHUNKS_SINGLY = {("deep_emocluster",), ("acg_emocluster",), ("acg_emocluster", "encoder=serial_frames")}


@pytest.mark.parametrize("case", ALL, ids=" ".join)
def test_only_models_without_temporal_net_and_triplets_may_see_chunks_one_by_one(case):
    one = model(*case).eval()
    assert one.needs_whole_sentences is (case not in CHUNKS_SINGLY)
    chunks = torch.randn(2, CHUNKS, FRAMES, MELS)
    if not one.needs_whole_sentences:  # then it hears the same either way, and has its losses
        singly = one.latents(chunks.flatten(0, 1)[:, None]).unflatten(0, (2, CHUNKS)).squeeze(2)
        # float32: products of 256 summed in batches of another size.
        torch.testing.assert_close(singly, one.latents(chunks), rtol=1e-4, atol=1e-6)
        assert set(one.losses(batch(sentences=6, size=(1, FRAMES, MELS)))) == set(one.loss_weights)


@pytest.mark.parametrize("name", CLUSTERED)
def test_attention_blocks_drop_into_every_model(name):
    one = model(name, "encoder.attention_blocks=[1,3]", "encoder.kv_pool=8", *sized(62, 128))
    blocks = getattr(one.encoder, "spatial", one.encoder).blocks
    with_attention = [type(block).__name__ == "AttnConvBlock" for block in blocks]
    assert with_attention == [True, False, True, False, False, False, False]
    assert one(torch.randn(1, 4, 62, 128)).shape == (1, 1)


def test_wrong_channels_are_told():
    with pytest.raises(ValueError, match="1 or more"):
        TemporalCNN(output_channels=0)
