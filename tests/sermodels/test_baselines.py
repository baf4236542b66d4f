from copy import deepcopy

import numpy as np
import pytest
import torch
from references.gaussian import kl_from_standard_normal
from references.ladder import combine
from tiny_training import CHUNKS, FRAMES, MELS, UNCLUSTERED, batch, model, sized
from torch import nn

from sermodels.decoders.ladder import Combinator
from sermodels.decoders.mirror import MirrorDecoder
from sermodels.encoders.ladder import clean_path, noisy_path
from sermodels.encoders.vgg import VGG16
from sermodels.losses import kl_loss

NO_DROPOUT = "encoder.dropout=0.0"


def batch_of(chunks, set_name="L"):
    return batch(set_name, len(chunks), seed=1, dtype=chunks.dtype, chunks=chunks)


def structured(count, seed):
    """(count, CHUNKS, FRAMES, MELS) chunks that are mixtures of three patterns, so that three numbers describe each."""
    time, mel = torch.linspace(0, 6, FRAMES)[:, None], torch.linspace(0, 6, MELS)
    patterns = torch.stack([torch.sin(time) * torch.cos(mel), torch.cos(2 * time + mel), torch.sin(time - 2 * mel)])
    levels = torch.randn(count, CHUNKS, 3, generator=torch.Generator().manual_seed(seed))
    return torch.einsum("bcp,ptf->bctf", levels, patterns)


def kept_for_the_backward_pass(function):
    """Bytes that autograd keeps, those of a checkpoint's inside not among them."""
    kept = {}

    def pack(tensor):
        kept[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = function()
    return sum(kept.values()), result


def test_a_ladder_computes_again_what_lies_between_the_maps_that_its_losses_read(monkeypatch):
    """The losses, gradients and running statistics are those of a ladder that keeps everything, to the bit."""
    one = model("cnn_laddernet", NO_DROPOUT)
    given = batch_of(structured(6, 2))

    def step():
        torch.manual_seed(1)
        one.zero_grad()
        one.load_state_dict(start)
        kept, losses = kept_for_the_backward_pass(lambda: one.losses(given))
        sum(losses.values()).backward()
        found = {**losses, **{name: p.grad for name, p in one.named_parameters()}, **one.state_dict()}
        return kept, {name: value.detach().clone() for name, value in found.items()}

    start = {name: value.clone() for name, value in one.state_dict().items()}
    kept, again = step()
    monkeypatch.setattr("sermodels.recomputed.checkpoint", lambda function, *inputs, **_: function(*inputs))
    whole, plain = step()
    assert kept < 0.4 * whole  # measured: .29, with chunks of 62 x 128
    assert all(torch.equal(plain[name], value) for name, value in again.items())


def test_a_ladder_learns_where_gpus_share_its_norms():
    """SyncBatchNorm, which is an ordinary one in a single process, asks for counters that others do without."""
    one = model("cnn_laddernet", NO_DROPOUT)
    given = batch_of(structured(6, 2))
    shared = torch.nn.SyncBatchNorm.convert_sync_batchnorm(deepcopy(one))
    assert sum(isinstance(norm, torch.nn.SyncBatchNorm) for norm in shared.modules()) == 7 + 8  # blocks, and u_0 … u_7
    for each in (one, shared):
        torch.manual_seed(1)
        sum(each.losses(given).values()).backward()
    for (name, value), other in zip(one.state_dict().items(), shared.state_dict().values(), strict=True):
        assert torch.equal(value, other), name
    for ours, theirs in zip(one.parameters(), shared.parameters(), strict=True):
        assert torch.equal(ours.grad, theirs.grad)


def sizes(decoder):
    """The map sizes that a decoder goes through."""
    seen = []
    for module in decoder.modules():
        if isinstance(module, nn.ConvTranspose2d):
            module.register_forward_hook(lambda _module, _inputs, output: seen.append(tuple(output.shape[2:])))
    decoder(torch.randn(2, 256))
    return seen


def test_the_decoder_goes_back_through_the_encoders_sizes():
    decoder = MirrorDecoder(VGG16())
    assert decoder.map_shape == (128, 2, 4)
    assert sizes(decoder) == [(4, 8), (8, 16), (16, 32), (31, 64), (62, 128), (62, 128), (62, 128)]
    padded = [m.output_padding for m in decoder.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert padded == [(1, 1), (1, 1), (1, 1), (0, 1), (1, 1), (0, 0), (0, 0)]


@pytest.mark.parametrize(("frames", "mels"), [(62, 128), (33, 40), (8, 16), (1, 5), (63, 127)])
def test_any_size_comes_back(frames, mels):
    assert MirrorDecoder(VGG16(num_frames=frames, num_mels=mels))(torch.randn(2, 256)).shape == (2, frames, mels)


def test_the_last_layer_is_linear():
    """Features are z-normalised, so what is reconstructed must be able to take both signs and any size."""
    last = MirrorDecoder(VGG16()).blocks[-1]
    assert isinstance(last, nn.ConvTranspose2d)


@torch.no_grad()
def held_out_error(one, chunks):
    """Mean squared error of what the model makes of chunks it has not seen, in evaluation mode."""
    one.eval()
    if "denoising" in one.regularizers:
        return one.losses(batch_of(chunks))["denoising_0"].item()
    return (one.regularizers["reconstruction"].decoder(one.latents(chunks)) - chunks).square().mean().item()


# Rounds, and the fraction of the variance that must be gone by then; models without a decoder have nothing to tell.
REBUILDING = {"cnn_ae": (80, 0.7), "cnn_vae": (110, 0.8), "cnn_laddernet": (20, 0.6)}


def test_every_baseline_with_a_loss_of_its_own_is_looked_at_below():
    assert {name for name in UNCLUSTERED if model(name).learns_from_unlabeled} == set(REBUILDING)


@pytest.mark.parametrize(
    ("name", "rounds", "factor"),
    [
        *((name, *aim) for name, aim in REBUILDING.items()),
        pytest.param("cnn_laddernet", 120, 0.05, marks=pytest.mark.slow),
    ],
)
def test_the_error_on_held_out_chunks_falls(name, rounds, factor):
    """Always telling the mean has the chunks' variance as its error; training on U and L in turn must leave less.

    A batch of each set a round, and in each the optimizers that step there. The factors are about halfway between the
    worst of three seeds and 1; the variational model, whose decoder sees samples, learns last. The ladder sees the
    noisy chunk too: handing that on leaves .073 of the variance; in the end it knows better (.028 to .030).
    """
    one = model(name, NO_DROPOUT, "optimization.adam_lr=0.003")
    optimizers = one.configure_optimizers()
    held_out = structured(16, 1000)
    assert held_out_error(one, held_out) > 0.9 * held_out.var().item()
    one.train()
    for number, set_name in enumerate("UL" * rounds):
        given = batch_of(structured(8, number), set_name)
        # Something that a chunk tells, lest f_emo teach Φ noise.
        losses = one.losses(given._replace(labels=given.chunks[..., 0].mean((1, 2))[:, None]))
        for optimizer in optimizers:
            optimizer.zero_grad()
        torch.stack([one.loss_weights[name] * loss for name, loss in losses.items()]).sum().backward()
        for step, optimizer in zip(one._steps, optimizers, strict=True):
            if set_name in step.passes:
                optimizer.step()
    assert held_out_error(one, held_out) < factor * held_out.var().item()


def test_kl_agrees_with_drawing():
    torch.manual_seed(0)
    mean, log_variance = torch.randn(2, 1, 1, 8, dtype=torch.float64)
    drawn, error = kl_from_standard_normal(mean.flatten().numpy(), log_variance.flatten().numpy(), 200_000, seed=0)
    # Four standard errors of the drawn value.
    assert kl_loss(mean, log_variance).item() == pytest.approx(drawn, abs=4 * error)
    assert error < 0.02
    assert kl_loss(torch.zeros(2, 3, 8), torch.zeros(2, 3, 8)) == 0


def test_kl_is_summed_over_dimensions_and_averaged_over_chunks():
    mean, log_variance = torch.randn(2, 3, 4, 8, dtype=torch.float64)
    each = [
        kl_loss(mean[b, c, d].view(1, 1, 1), log_variance[b, c, d].view(1, 1, 1)).item()
        for b in range(3)
        for c in range(4)
        for d in range(8)
    ]
    assert kl_loss(mean, log_variance).item() == pytest.approx(sum(each) / 12, abs=1e-12)


def test_the_regressor_reads_a_sample_in_training_and_the_mean_in_evaluation():
    one = model("cnn_vae", NO_DROPOUT)
    chunks = structured(2, 0)
    one.eval()
    features = VGG16.forward(one.encoder, chunks.flatten(0, 1))  # the plain encoder's, which μ is linear in
    mean = one.encoder.mean(features).unflatten(0, chunks.shape[:2])
    assert torch.equal(one.latents(chunks), mean)
    assert torch.equal(one(chunks), one.regress(mean).mean(1))
    one.train()
    first, second = one.latents(chunks), one.latents(chunks)
    # Near its start σ is 1 in every dimension, so two samples differ by N(0, 2).
    assert (first - second).std().item() == pytest.approx(2**0.5, rel=0.1)


def ladder_and_regressor(attention_blocks=()):
    options = (NO_DROPOUT, f"encoder.attention_blocks={[*attention_blocks]}", "encoder.kv_pool=2")
    silent = ("encoder.noise_std=0.0", f"regularizers.denoising.weights={[0.0] * 8}")
    ladder = model("cnn_laddernet", *options, *silent).double()
    plain = model("cnn_regressor", *options).double()
    plain.load_state_dict({name: ladder.state_dict()[name] for name in plain.state_dict()})
    return ladder, plain


@pytest.mark.parametrize("attention_blocks", [(), (1, 3)])
def test_a_ladder_without_noise_and_denoising_is_the_plain_encoder(attention_blocks):
    ladder, plain = ladder_and_regressor(attention_blocks)
    given = batch_of(structured(6, 0).double())
    totals = []
    for one in (ladder, plain):
        losses = one.losses(given)
        total = sum(one.loss_weights[name] * loss for name, loss in losses.items())
        total.backward()
        totals.append(total.item())
    # float64; scale and shift are applied in another order of operations.
    assert totals[0] == pytest.approx(totals[1], abs=1e-10)
    gradients = dict(ladder.named_parameters())
    for name, p in plain.named_parameters():
        torch.testing.assert_close(gradients[name].grad, p.grad, atol=1e-10, rtol=1e-7)
    buffers = dict(ladder.named_buffers())
    for name, value in plain.named_buffers():
        if "running" in name:  # one path's statistics, not two
            torch.testing.assert_close(buffers[name], value)
    for one in (ladder, plain):
        one.eval()
    torch.testing.assert_close(ladder(given.chunks), plain(given.chunks))


def test_evaluation_is_without_noise_and_on_the_clean_paths_statistics():
    ladder, plain = model("cnn_laddernet"), model("cnn_regressor")
    chunks = structured(6, 0)
    for _ in range(3):  # moves the running statistics
        ladder.losses(batch_of(chunks))
    plain.load_state_dict({name: ladder.state_dict()[name] for name in plain.state_dict()})
    ladder.eval(), plain.eval()
    assert torch.equal(ladder(chunks), plain(chunks))


def test_the_ladders_bottleneck_has_dropout_in_training():
    def drawn(dropout):
        one = model("cnn_laddernet", f"encoder.dropout={dropout}", "encoder.noise_std=0.0")
        return [one.losses(batch_of(structured(4, 0)))["ccc"].item() for _ in range(2)]

    assert len(set(drawn(0.0))) == 1
    assert len(set(drawn(0.5))) == 2


@pytest.mark.parametrize("layer", ["mean", "log_variance"])
def test_the_variational_layers_start_as_the_others_do(layer):
    one = getattr(model("cnn_vae").encoder, layer)
    # N(0, 0.01), 65,536 draws: the deviation's own deviation is 0.3 %. PyTorch's start would give 0.036.
    assert one.weight.std().item() == pytest.approx(0.01, rel=0.02)
    assert not one.bias.any()


def test_noise_is_on_every_map_and_only_on_the_noisy_path():
    torch.manual_seed(0)
    encoder, chunks = VGG16(dropout=0.0, num_frames=FRAMES, num_mels=MELS), structured(16, 0).flatten(0, 1)
    clean, again = clean_path(encoder, chunks), clean_path(encoder, chunks)
    noisy = noisy_path(encoder, chunks, 0.3)
    assert len(clean.maps) == 8
    assert torch.equal(clean.maps[0], chunks.unsqueeze(1))
    for layer, (one, two, other) in enumerate(zip(clean.maps, again.maps, noisy.maps, strict=True)):
        assert torch.equal(one, two)
        assert not torch.equal(one, other)
        if layer:  # normalised, and 0.09 more with the noise; a map of one point a chunk has 64 values a channel
            assert one.var(correction=0).item() == pytest.approx(1, abs=0.01)
            assert other.var(correction=0).item() == pytest.approx(1.09, abs=0.02)
    torch.testing.assert_close(clean.top.flatten(1), encoder.feature_map(chunks).flatten(1))


def test_running_statistics_see_the_clean_path_only():
    torch.manual_seed(0)
    encoder, chunks = VGG16(num_frames=FRAMES, num_mels=MELS), structured(4, 0).flatten(0, 1)
    before = {name: value.clone() for name, value in encoder.named_buffers() if "running" in name}
    noisy_path(encoder, chunks, 0.3)
    assert all(torch.equal(dict(encoder.named_buffers())[name], value) for name, value in before.items())
    clean_path(encoder, chunks)
    assert not any(torch.equal(dict(encoder.named_buffers())[name], value) for name, value in before.items())


def test_the_combinator_is_the_papers():
    torch.manual_seed(0)
    combinator = Combinator(3).double()
    with torch.no_grad():
        for p in combinator.parameters():
            p.copy_(torch.randn_like(p))
    noisy, above = torch.randn(2, 2, 3, 4, 5, dtype=torch.float64)
    ours = combinator(noisy, above)
    for n, k, t, f in np.ndindex(2, 3, 4, 5):
        a = torch.cat([combinator.mean[:, k, 0, 0], combinator.scale[:, k, 0, 0]])
        expected = combine(noisy[n, k, t, f], above[n, k, t, f], a)
        assert ours[n, k, t, f].item() == pytest.approx(expected.item(), abs=1e-12)


def test_every_layers_cost_has_its_weight_and_teaches_its_part():
    one = model("cnn_laddernet", "regularizers.denoising.weights=[8,7,6,5,4,3,2,1]")
    names = [f"denoising_{layer}" for layer in range(8)]
    assert [one.loss_weights[name] for name in names] == [8, 7, 6, 5, 4, 3, 2, 1]
    combinators = one.regularizers["denoising"].decoder.combinators
    for layer, name in enumerate(names):
        one.zero_grad()
        one.losses(batch_of(structured(4, 0), "U"))[name].backward()
        taught = [bool(each.mean.grad is not None and each.mean.grad.any()) for each in combinators]
        # Combinators run downward from layer 7; a layer's estimate uses those above it and its own.
        assert taught == [7 - step >= layer for step in range(8)]


@pytest.mark.parametrize(
    ("name", "given"),
    [("cnn_ae", {"reconstruction": 0.3}), ("cnn_vae", {"reconstruction": 0.3, "kl": 0.7})],
)
def test_losses_have_the_weights_given(name, given):
    one = model(name, *(f"regularizers.{loss}.weight={weight}" for loss, weight in given.items()))
    assert one.loss_weights == {"ccc": 1.0} | given


@pytest.mark.parametrize("name", ["cnn_regressor", "cnn_ae", "cnn_vae", "cnn_laddernet"])
def test_all_baselines_have_the_same_parameters_where_they_are_used(name):
    """Lin & Busso 2024, section 4.3: the same model complexity and predicting pipeline."""
    one = model(name, *sized(62, 128)).eval()
    used = {parameter: p for parameter, p in one.named_parameters() if not parameter.startswith("regularizers.")}
    one(torch.randn(1, 2, 62, 128)).sum().backward()
    used = {parameter: p for parameter, p in used.items() if p.grad is not None}
    assert sum(p.numel() for p in used.values()) == 763_617


def test_the_gamma_model_has_the_cost_of_the_top_alone():
    option = "regularizer@regularizers.denoising=denoising_gamma"
    weights = model("cnn_laddernet", option).loss_weights
    assert weights == {"ccc": 1.0, **{f"denoising_{layer}": 0.0 for layer in range(7)}, "denoising_7": 1.0}
