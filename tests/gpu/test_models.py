"""Every model is the same function on a GPU."""

import pytest
import torch
from tiny_training import CATEGORIES, EVERY_MODEL, MODELS, batch, model

from experiments.training.exactness import calculate_exactly

pytestmark = pytest.mark.gpu


def moved(one, device):
    """A batch on a device."""
    return one._replace(**{name: value.to(device) for name, value in one._asdict().items() if hasattr(value, "to")})


def losses_and_gradients(one, given):
    """Of a batch, on the model's device; in main memory and in float64, as plain tensors."""
    torch.manual_seed(0)
    losses = one.losses(moved(given, one.device))
    torch.stack([*losses.values()]).sum().backward()
    gradients = {name: p.grad.cpu().double() for name, p in one.named_parameters() if p.grad is not None}
    return {name: loss.detach().cpu().double() for name, loss in losses.items()}, gradients


@pytest.mark.parametrize("name", [name for name in MODELS if name not in ("cnn_vae", "cnn_laddernet")])
def test_losses_and_gradients_are_those_of_the_processor(name):
    """Not of models of noise, which a GPU draws by its own generator."""
    calculate_exactly()
    here, there = model(name), model(name)
    there.load_state_dict(here.state_dict())
    there.cuda()
    for one in (here, there):
        for module in one.modules():
            if isinstance(module, torch.nn.Dropout | torch.nn.MultiheadAttention):
                module.p = module.dropout = 0.0  # drawn by the device's generator
    losses, gradients = losses_and_gradients(here, batch())
    on_gpu, gradients_on_gpu = losses_and_gradients(there, batch())
    for loss, value in losses.items():
        # float32 sums in another order through a dozen normalised layers: 1e-6 a layer at worst.
        assert on_gpu[loss] == pytest.approx(float(value), rel=1e-4, abs=1e-5), loss
    assert gradients_on_gpu.keys() == gradients.keys()
    together, those = (
        torch.cat([each[key].flatten() for key in sorted(each)]) for each in (gradients, gradients_on_gpu)
    )
    # All of them as one vector: single ones are nothing but rounding where a shift comes before a normalisation.
    assert (together - those).norm() < 2e-3 * together.norm()


@pytest.mark.parametrize("name", EVERY_MODEL)
def test_latents_are_those_of_the_processor(name):
    calculate_exactly()
    told = {"classes": CATEGORIES, "counts": (1, 1, 1)} if name == "frozen_classifier" else {}
    one = model(name, **told).eval()
    chunks = batch().chunks
    with torch.no_grad():
        here = one.latents(chunks)
        there = one.cuda().latents(chunks.cuda()).cpu()
    assert here.std() > 0
    assert (here - there).abs().max() < 1e-4 * here.abs().max()
