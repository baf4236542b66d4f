import math

import numpy as np
import pytest
import torch
from references.transformer import encoder_layer

from sermodels.deep_emocluster import DeepEmoCluster
from sermodels.temp_cnn import TempCNN
from sermodels.temp_gru import TempGRU
from sermodels.temp_trans import TempTrans
from sermodels.temp_triplet import TempTriplet
from sermodels.temporal_nets.transformer import TemporalTransformer, sinusoidal_positions

TEMPORAL_NETS = [TempGRU, TempCNN, TempTrans]
ALL = [DeepEmoCluster, *TEMPORAL_NETS, TempTriplet]
SMALL = {"num_frames": 8, "num_mels": 16}


def parameters(model):
    return sum(p.numel() for p in model.parameters())


def test_sizes():
    vanilla = parameters(DeepEmoCluster(num_clusters=10))
    assert vanilla == 831_979
    assert parameters(TempGRU()) - vanilla == 296_448
    assert parameters(TempTrans()) - vanilla == 395_776
    assert parameters(TempTriplet()) == vanilla
    # Two convolutions of 16 channels with their norms, and the 1x1 convolution; as released the second has one channel.
    assert parameters(TempCNN()) - vanilla == (25 * 16 + 16 + 32) + (25 * 16 * 16 + 16 + 32) + 17
    assert parameters(TempCNN(temporal_output_channels=1)) - vanilla == (25 * 16 + 16 + 32) + (25 * 16 + 1 + 2)


def test_the_claim_that_temp_triplet_is_a_third_smaller_than_temp_trans():
    """Lin & Busso 2024, section 5.1: "approximately 33 %" fewer."""
    assert 1 - parameters(TempTriplet()) / parameters(TempTrans()) == pytest.approx(0.33, abs=0.01)


def prediction_moves(make, order):
    """How much a sentence's latent mean moves when its chunks come in another order, relative to its size."""
    torch.manual_seed(0)
    model = make(**SMALL).double().eval()
    with torch.no_grad():
        for p in model.encoder.output.parameters():
            p.normal_(0, 0.3)  # starting weights make all chunks nearly alike
        chunks = torch.randn(4, 6, 8, 16, dtype=torch.float64)
        there, shuffled = model.latents(chunks).mean(1), model.latents(chunks[:, order]).mean(1)
        assert torch.equal(model.embed(chunks), model.encode(chunks))
    return float((there - shuffled).norm() / there.norm())


@pytest.mark.parametrize("make", TEMPORAL_NETS)
def test_a_temporal_net_hears_the_order_of_chunks(make):
    assert prediction_moves(make, [3, 0, 5, 1, 4, 2]) > 1e-4


@pytest.mark.parametrize("make", [DeepEmoCluster, TempTriplet])
def test_a_model_without_a_temporal_net_does_not(make):
    # float64: a mean of six values in two orders.
    assert prediction_moves(make, [3, 0, 5, 1, 4, 2]) < 1e-12


def test_a_transformer_without_positions_would_not():
    """So it is the positions that tell Temp-Trans the order."""
    torch.manual_seed(0)
    net = TemporalTransformer(256, 0.3).double().eval()
    h = torch.randn(2, 6, 256, dtype=torch.float64)
    order = [3, 0, 5, 1, 4, 2]
    with torch.no_grad():
        torch.testing.assert_close(net.layer(h)[:, order], net.layer(h[:, order]))
        assert (net(h)[:, order] - net(h[:, order])).abs().max() > 1e-2


@pytest.mark.parametrize("make", TEMPORAL_NETS)
def test_every_chunk_is_heard_together_with_its_neighbours(make):
    torch.manual_seed(0)
    model = make(**SMALL).eval()
    h = torch.randn(1, 5, 256, requires_grad=True)
    model.temporal_net(h)[0, 0].square().sum().backward()
    heard = (h.grad[0] != 0).any(1).tolist()
    # Two 5-wide convolutions reach four chunks to either side; the others reach everywhere.
    assert heard == [True] * 5


def test_two_convolutions_reach_four_chunks():
    torch.manual_seed(0)
    model = TempCNN(**SMALL).eval()
    h = torch.randn(1, 11, 256, requires_grad=True)
    model.temporal_net(h)[0, 0].square().sum().backward()
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
    for net in (TempCNN(**SMALL).temporal_net, TempCNN(temporal_output_channels=1, **SMALL).temporal_net):
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


@pytest.mark.parametrize("make", ALL)
def test_what_is_clustered_is_before_the_temporal_net_and_as_released_after_it(make):
    torch.manual_seed(0)
    paper = make(**SMALL).eval()
    released = make(**SMALL, embedding="classifier_hidden").eval()
    released.load_state_dict(paper.state_dict())
    chunks = torch.randn(2, 4, 8, 16)
    with torch.no_grad():
        assert torch.equal(paper.embed(chunks), paper.encode(chunks))
        assert torch.equal(released.embed(chunks), released.cluster_classifier.hidden(released.latents(chunks)))
        assert (released.embed(chunks) < 0).any()  # before the ReLU


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("num_chunks", [1, 4, 11])
def test_any_number_of_chunks_is_read(make, num_chunks):
    chunks = torch.randn(2, num_chunks, 8, 16)
    model = make(attributes=("arousal", "dominance", "valence"), **SMALL)
    assert model.latents(chunks).shape == (2, num_chunks, 256)
    assert model(chunks).shape == (2, 3)


@pytest.mark.parametrize("make", ALL)
def test_only_the_vanilla_model_may_see_chunks_one_by_one(make):
    assert make.needs_whole_sentences is not (make is DeepEmoCluster)


@pytest.mark.parametrize("make", ALL)
def test_attention_blocks_drop_into_every_model(make):
    model = make(attention_blocks=[1, 3], kv_pool=8)
    assert type(model.encoder.blocks[0]).__name__ == type(model.encoder.blocks[2]).__name__ == "AttnConvBlock"
    assert model(torch.randn(1, 4, 62, 128)).shape == (1, 1)


def test_wrong_channels_are_told():
    with pytest.raises(ValueError, match="1 or more"):
        TempCNN(temporal_output_channels=0)
