"""A large batch goes through its blocks in slices, and nothing of what comes out depends on it."""

import copy
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import torch
from torch import nn

from sermodels import map_memory, sliced_blocks
from sermodels.decoders.mirror import MirrorDecoder
from sermodels.encoders.vgg import VGG16
from sermodels.synchronized_norm import SynchronizedOnCPU

CHUNKS = 21
SMALL = {"num_frames": 20, "num_mels": 32, "dropout": 0.0}
ENCODERS = {
    "vgg": partial(VGG16, **SMALL),
    "attention": partial(VGG16, attention_blocks=(1, 3, 5, 7), **SMALL),
    "its two convolutions alone": partial(VGG16, attention_blocks=(1,), attention=False, **SMALL),
}
encoders = pytest.mark.parametrize("make", ENCODERS.values(), ids=ENCODERS)


@pytest.fixture
def sliced(monkeypatch):
    """Slices of a chunk or two, the last of them shorter, for batches of any size."""
    monkeypatch.setattr(sliced_blocks, "LARGE", 1)
    monkeypatch.setattr(sliced_blocks, "SLICE_BYTES", 2 * 32 * 20 * 32 * 8)


def by_pytorch(make, monkeypatch, *given):
    """The same module, and what PyTorch's own step makes of it."""
    with monkeypatch.context() as patch:
        patch.setattr(sliced_blocks, "LARGE", 10**9)
        return make(*given)


def step(module, x, *, bf16=False):
    """Output, gradient of the input and of every parameter, running statistics after it."""
    x = x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        made = module(x)
    weights = torch.linspace(-1, 1, made.numel(), dtype=torch.float64).view(made.shape)
    (made.double() * weights).sum().backward()
    learnt = {f"gradient of {name}": one.grad for name, one in module.named_parameters() if one.grad is not None}
    return {"output": made.detach(), "gradient of x": x.grad, **learnt, **dict(module.named_buffers())}


def encoder_step(encoder, x, **how):
    class Maps(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = encoder

        def forward(self, x):
            return self.encoder.feature_map(x)

    return step(Maps(), x, **how)


def chunks(count=CHUNKS, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 20, 32, generator=generator, dtype=torch.float64) + 0.3


def compare(ours, theirs, **tolerance):
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        torch.testing.assert_close(ours[name], expected, **tolerance, msg=lambda said, name=name: f"{name}: {said}")


@encoders
def test_outputs_gradients_and_statistics_are_those_of_the_whole_batch(make, sliced, monkeypatch):
    torch.manual_seed(0)
    encoder = make().double()
    # Statistics other than those of a start; float64 leaves the order of sums, 1e-12 of numbers about 1.
    encoder_step(encoder, chunks(seed=1))
    other = copy.deepcopy(encoder)
    for one in (encoder, other):
        one.zero_grad()
    ours = encoder_step(encoder, chunks())
    theirs = by_pytorch(encoder_step, monkeypatch, other, chunks())
    compare(ours, theirs, rtol=1e-8, atol=1e-9)


def test_the_decoder_and_the_gradient_of_what_it_reads(sliced, monkeypatch):
    torch.manual_seed(0)
    decoder = MirrorDecoder(VGG16(**SMALL)).double()
    other = copy.deepcopy(decoder)
    h = torch.randn(CHUNKS, 256, dtype=torch.float64)
    compare(step(decoder, h), by_pytorch(step, monkeypatch, other, h), rtol=1e-8, atol=1e-9)


@encoders
def test_float32_is_at_least_as_close_to_the_truth(make, sliced, monkeypatch):
    torch.manual_seed(0)
    encoder = make()
    exact, whole = copy.deepcopy(encoder).double(), copy.deepcopy(encoder)
    truth = by_pytorch(encoder_step, monkeypatch, exact, chunks())["output"]
    ours = encoder_step(encoder, chunks().float())["output"].double() - truth
    theirs = by_pytorch(encoder_step, monkeypatch, whole, chunks().float())["output"].double() - truth
    # Both are rounding alone; a factor for luck.
    assert ours.norm() < 2 * theirs.norm() + 1e-6


@encoders
def test_bf16_is_as_close_to_the_truth_as_pytorchs(make, sliced, monkeypatch):
    torch.manual_seed(0)
    encoder = make()
    exact, whole = copy.deepcopy(encoder).double(), copy.deepcopy(encoder)
    truth = by_pytorch(encoder_step, monkeypatch, exact, chunks())
    ours = encoder_step(encoder, chunks().float(), bf16=True)
    theirs = by_pytorch(partial(encoder_step, bf16=True), monkeypatch, whole, chunks().float())
    assert ours["output"].dtype == theirs["output"].dtype == torch.bfloat16
    for name in ["output", *(one for one in truth if one.startswith("gradient of encoder.blocks.6"))]:
        if truth[name].norm() < 1e-6:  # what the norm or the softmax takes away, as a bias: rounding alone is left
            continue
        off, usual = ((one[name].double() - truth[name]).norm() for one in (ours, theirs))
        # Two draws of the same rounding, which also flips masks of ReLU; a wrong term would be as large as the truth.
        assert off < 1.5 * usual + 0.01 * truth[name].norm(), name
        assert off < 0.5 * truth[name].norm(), name


def test_the_same_batch_twice_is_the_same_to_the_last_bit(sliced):
    torch.manual_seed(0)
    encoder = VGG16(**SMALL)
    other = copy.deepcopy(encoder)
    one = encoder_step(encoder, chunks().float())
    # Memory that was written before is lent again, and leaves no trace.
    encoder_step(copy.deepcopy(encoder), chunks(9, seed=3).float())
    two = encoder_step(other, chunks().float())
    compare(two, one, rtol=0, atol=0)


def test_a_graph_that_is_kept_gives_its_gradients_again(sliced):
    encoder = VGG16(**SMALL)
    total = encoder.feature_map(chunks().float()).sum()
    first = torch.autograd.grad(total, list(encoder.blocks.parameters()), retain_graph=True)
    encoder.feature_map(chunks(seed=1).float()).sum().backward()
    for one, two in zip(first, torch.autograd.grad(total, list(encoder.blocks.parameters())), strict=True):
        assert torch.equal(one, two)


def test_two_forward_passes_before_a_backward_pass(sliced, monkeypatch):
    torch.manual_seed(0)
    encoder = VGG16(**SMALL).double()
    other = copy.deepcopy(encoder)

    def both(encoder):
        total = encoder.feature_map(chunks()).sum() - 2 * encoder.feature_map(chunks(seed=1)).square().sum()
        total.backward()
        return {name: one.grad for name, one in encoder.blocks.named_parameters()}

    compare(both(encoder), by_pytorch(both, monkeypatch, other), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("what", ["input", "weights"])
def test_what_was_changed_before_the_backward_pass_is_refused_as_pytorch_does(what, sliced):
    encoder = VGG16(**SMALL)
    x = chunks().float().requires_grad_()
    read = x * 1  # a leaf cannot be changed in place
    total = encoder.feature_map(read).sum()
    with torch.no_grad():
        (read if what == "input" else next(encoder.blocks[2].parameters())).mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        total.backward()


def norm_of(encoder):
    return next(one for one in encoder.modules() if isinstance(one, nn.BatchNorm2d))


@pytest.mark.parametrize(
    "change",
    [
        lambda encoder: setattr(norm_of(encoder), "momentum", None),
        lambda encoder: setattr(norm_of(encoder), "track_running_stats", False),
        lambda encoder: [setattr(norm_of(encoder), name, None) for name in ("weight", "bias")],
    ],
)
def test_normalisations_of_other_kinds_are_left_to_pytorch(change, sliced):
    encoder = VGG16(**SMALL)
    assert in_slices(encoder)
    change(encoder)
    assert not in_slices(encoder)


def in_slices(encoder, count=CHUNKS):
    return "SlicedBlocks" in type(encoder.feature_map(chunks(count).float()).grad_fn).__name__


def test_large_batches_of_a_training_alone(monkeypatch):
    encoder = VGG16(**SMALL)
    assert not in_slices(encoder, 255)
    assert in_slices(encoder, 256)
    assert not in_slices(encoder.eval(), 256)
    encoder.train()
    encoder.blocks[2].requires_grad_(False)
    assert not in_slices(encoder, 256)
    encoder.requires_grad_(True)
    SynchronizedOnCPU().apply(encoder)  # whose sums are all processes', of which there are none here
    with pytest.raises(ValueError, match="process group"):
        in_slices(encoder, 256)
    SynchronizedOnCPU().revert(encoder)
    with torch.no_grad():
        assert not in_slices(encoder, 256)


def test_casts_of_one_path_are_not_taken_for_those_of_another(sliced, monkeypatch):
    """Autocast keeps what it cast, and without a gradient where it was cast without one."""
    encoder = VGG16(**SMALL)
    with torch.autocast("cpu", torch.bfloat16):
        encoder.feature_map(chunks().float())
        monkeypatch.setattr(sliced_blocks, "LARGE", 10**9)
        total = encoder.feature_map(chunks().float()).float().square().sum()
    total.backward()
    assert all(one.grad is not None for name, one in encoder.blocks.named_parameters())


def held():
    return sum(one.numel() for one in map_memory._free)


def test_two_threads_are_not_lent_the_same_memory(monkeypatch):
    monkeypatch.setattr(map_memory, "_free", [torch.empty(24)])
    remove = map_memory._remove

    def slowly(piece):  # the other thread looks meanwhile, if it may
        time.sleep(0.2)
        remove(piece)

    monkeypatch.setattr(map_memory, "_remove", slowly)
    lenders = [map_memory.LentMaps(), map_memory.LentMaps()]
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda lend: lend((1, 2, 3, 4), torch.float32), lenders)
    assert first.data_ptr() != second.data_ptr()


def test_one_map_a_block_is_kept_and_every_step_writes_to_the_same_memory(sliced, monkeypatch):
    monkeypatch.setattr(map_memory, "_free", [])
    encoder = VGG16(**SMALL)
    maps = [torch.Size(shape).numel() * CHUNKS for shape in encoder.map_shapes[1:]]
    encoder_step(encoder, chunks().float())
    first = held()
    # What every normalisation reads but the first; two gradients on their way, the first maps' in one place.
    assert first == sum(maps[1:]) + maps[1] + maps[2]
    for count in (CHUNKS, 5, CHUNKS):
        encoder_step(encoder, chunks(count).float())
        assert held() == first


def test_memory_grows_with_the_batch_and_not_beyond(sliced, monkeypatch):
    monkeypatch.setattr(map_memory, "_free", [])
    encoder = VGG16(**SMALL)
    encoder_step(encoder, chunks(40).float())
    at_once = held()
    map_memory._free.clear()
    for count in (10, 20, 30, 40):
        encoder_step(encoder, chunks(count).float())
    # A piece that became too small was given up for the one that took its place: else all four would be there.
    assert held() <= 1.5 * at_once
