import numpy as np
import pytest
import torch
from references.attention import attention
from tiny_training import model, sized

from datamodules.errors import ConfigurationError
from sermodels.deep_emocluster import DeepEmoCluster
from sermodels.encoders.attn_conv import AttnConvBlock, MapAttention
from sermodels.encoders.vgg import VGG16


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_the_papers_network_has_the_papers_size():
    assert parameters(DeepEmoCluster(num_clusters=10)) == 831_979
    encoder = VGG16()
    assert encoder.map_shape == (128, 2, 4)
    assert encoder.feature_map(torch.zeros(1, 62, 128)).shape == (1, 128, 2, 4)
    assert encoder(torch.zeros(3, 62, 128)).shape == (3, 256)


def test_starting_weights_follow_the_authors():
    torch.manual_seed(0)
    encoder = VGG16()
    last = encoder.blocks[6][0].weight
    # 147,456 draws: the standard deviation of an estimated deviation is 0.2 %, so 2 % is ten of them.
    assert last.std().item() == pytest.approx((2 / (9 * 128)) ** 0.5, rel=0.02)
    assert encoder.output[0].weight.std().item() == pytest.approx(0.01, rel=0.02)
    assert not encoder.blocks[0][0].bias.any()


@pytest.mark.parametrize("kv_pool", [1, 2])
def test_map_attention_equals_the_naive_softmax(kv_pool):
    torch.manual_seed(0)
    layer = MapAttention(4, kv_pool).double()
    x = torch.randn(1, 4, 5, 6, dtype=torch.float64)
    pooled = torch.nn.functional.avg_pool2d(x, kv_pool, ceil_mode=True)
    query, key, value = (
        m(y)[0].flatten(1).T.detach().numpy() for m, y in ((layer.query, x), (layer.key, pooled), (layer.value, pooled))
    )
    naive = attention(query, key, value).T.reshape(4, 5, 6)
    # float64: two orders of summing 30 terms.
    np.testing.assert_allclose(layer(x)[0].detach().numpy(), naive, atol=1e-12)


def test_literal_attention_in_float32_equals_the_naive_softmax_on_a_real_map():
    """Of conv 5's size and channels, as kv_pool=1 takes it."""
    torch.manual_seed(0)
    layer = MapAttention(128, kv_pool=1)
    x = torch.randn(1, 128, 8, 16)
    query, key, value = (m(x)[0].flatten(1).T.detach().double().numpy() for m in (layer.query, layer.key, layer.value))
    naive = attention(query, key, value).T.reshape(128, 8, 16)
    np.testing.assert_allclose(layer(x)[0].detach().numpy(), naive, atol=1e-5)


def test_pooling_never_leaves_a_single_key():
    torch.manual_seed(0)
    layer = MapAttention(4, kv_pool=4)
    x = torch.randn(1, 4, 2, 4)
    layer(x).sum().backward()
    assert layer.query.weight.grad.abs().max() > 0


def test_attention_is_added_to_the_local_features():
    """So a block whose attention says nothing is two convolutions."""
    torch.manual_seed(0)
    block = AttnConvBlock(3, 4, stride=2, kv_pool=1).eval()
    torch.nn.init.zeros_(block.attention.value.weight)
    torch.nn.init.zeros_(block.attention.value.bias)
    x = torch.randn(2, 3, 9, 8)
    assert torch.equal(block(x), block.mixed(block.local(x)))
    assert block(x).shape == (2, 4, 5, 4)


def test_joined_features_have_passed_a_relu():
    latents = model("acg_emocluster", *sized(16, 32)).latents(torch.randn(2, 3, 16, 32))
    assert latents.min() == 0
    assert latents.max() > 0


def reach(encoder):
    """Which input points the middle point of the first block's map depends on."""
    x = torch.randn(1, 62, 128, requires_grad=True)
    encoder.blocks[0](x.unsqueeze(1))[0, :, 31, 64].sum().backward()
    return int((x.grad != 0).sum())


def test_one_attention_block_sees_the_whole_map_and_a_convolution_sees_nine_points():
    assert reach(VGG16().eval()) == 9
    for kv_pool in (1, 4):
        assert reach(VGG16(attention_blocks=(1,), kv_pool=kv_pool).eval()) == 62 * 128


PAPERS = sized(62, 128)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("encoder=acn_s",),
        ("encoder=acn_b",),
        ("encoder.attention_blocks=[]",),
        ("encoder=parallel_acn_s",),
        ("encoder=parallel_acn_l", "encoder.kv_pool=8"),
        ("encoder=acn_l", "encoder.kv_pool=8"),
        ("encoder.recurrent=lstm",),
        ("encoder=acn_b", "temporal_net=bilstm"),
        ("encoder=serial_frames", "encoder.recurrent=gru"),
    ],
    ids=" ".join,
)
def test_every_knob_of_acg_builds_and_every_parameter_of_it_is_used(options):
    one = model("acg_emocluster", "num_clusters=5", *PAPERS, *options)
    chunks = torch.randn(2, 3, 62, 128)
    h = one.latents(chunks)
    assert h.shape == (2, 3, 256)
    assert one(chunks).shape == (2, 1)
    assert one.utterance_embedding(chunks).shape == (2, 256)
    (one.cluster_classifier(h).square().sum() + one.regress(h).square().sum()).backward()
    assert not [name for name, p in one.named_parameters() if p.grad is None]


@pytest.mark.parametrize(
    ("options", "depends"),
    [((), False), (("encoder=serial_frames",), False), (("encoder=acn_b", "temporal_net=bigru"), True)],
    ids=["parallel", "serial_frames", "serial_chunks"],
)
def test_serial_chunks_depend_on_their_neighbours_and_parallel_chunks_do_not(options, depends):
    one = model("acg_emocluster", *PAPERS, *options).eval()
    chunks = torch.randn(1, 3, 62, 128)
    changed = chunks.clone()
    changed[0, 2] += 1
    with torch.no_grad():
        first, second = one.latents(chunks)[0, 0], one.latents(changed)[0, 0]
    assert torch.equal(first, second) is not depends
    assert one.needs_whole_sentences is depends


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("encoder.recurrent=rnn",), "encoder: recurrent is one of gru, bigru, lstm, bilstm, not 'rnn'"),
        (("encoder=acn_b", "temporal_net=gru", "temporal_net.kind=none"), "temporal_net: .* is one of gru, bigru"),
        (("+encoder.axis=frames",), "encoder.axis: ParallelEncoder has no such option"),
        (("+model.combination=both",), "combination"),
        (("+temporal_net.kind=bigru",), "temporal_net.kind: NoTemporalNet has no such option; there are none"),
        (("encoder.attention_blocks=[8]",), "numbers from 1 to 7"),
        (("encoder.kv_pool=0",), "encoder: kv_pool"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_options_say_what_is_allowed(options, message):
    with pytest.raises(ConfigurationError, match=message):
        model("acg_emocluster", *options)


def test_an_attn_conv_block_without_its_attention_is_two_convolutions():
    torch.manual_seed(0)
    on, off = (AttnConvBlock(3, 8, 2, 4, attention).eval() for attention in (True, False))
    off.load_state_dict({key: value for key, value in on.state_dict().items() if not key.startswith("attention.")})
    x = torch.randn(2, 3, 10, 12)
    torch.testing.assert_close(off(x), off.mixed(off.local(x)))
    assert not torch.allclose(on(x), off(x), atol=1e-3)
    named = [name for name, _ in model("acg_emocluster", "encoder.attention=false").named_modules()]
    assert not any("attention" in name for name in named)
    assert any("attention" in name for name, _ in model("acg_emocluster").named_modules())
