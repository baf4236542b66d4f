"""What goes on with an encoder leaves it as it is, to the last bit, unless it is told to train it."""

import pytest
import torch
from tiny_training import CATEGORIES, batch, data_for, model, plan, sentence_set, told_by, trainer

from experiments.results.loading import load_predictor
from sermodels.classifiers.conv import ConvClassifier
from sermodels.encoders.encoder import map_shape_of


def made(*options):
    """A plan, its untrained model, and its data."""
    run, labeled = plan("frozen_classifier", *options), sentence_set("L", 24, 1)
    one = model("frozen_classifier", *options, **told_by(run, labeled))
    return run, one, data_for(run, "LLL", one.task, L=labeled, development=sentence_set("development", 10, 3))


def fit(directory, *options):
    run, one, data = made(*options)
    before = {name: value.clone() for name, value in one.state_dict().items()}
    trainer(run, one, directory, 3).fit(one, datamodule=data)
    moved = {name for name, value in one.state_dict().items() if not torch.equal(value, before[name])}
    return one, data, moved


@pytest.mark.parametrize("options", [(), ("model.cache_maps=false",)])
def test_a_frozen_encoder_keeps_every_bit(options, tmp_path):
    _, _, moved = fit(tmp_path, *options)
    assert moved
    assert not [name for name in moved if name.startswith("encoder.")]


def test_so_do_running_statistics_and_nothing_is_dropped_out(tmp_path):
    run, one, data = made()
    vgg = model("cnn_regressor").encoder
    one.encoder, one.map_shape = vgg.requires_grad_(False), vgg.map_shape
    one.classifier = ConvClassifier(vgg.map_shape, len(CATEGORIES))
    one.train()
    assert not any(each.training for each in one.encoder.modules())
    assert one.classifier.training
    before = {name: value.clone() for name, value in vgg.state_dict().items()}
    trainer(run, one, tmp_path, 2).fit(one, datamodule=data)
    assert all(torch.equal(value, before[name]) for name, value in vgg.state_dict().items())


def test_end_to_end_everything_is_trained(tmp_path):
    one, _, moved = fit(tmp_path, "model.frozen=false")
    # The code's linear layer stands after the map that is read.
    unread = {name for name in one.state_dict() if name.startswith("encoder.output.")}
    assert {name for name in one.state_dict() if name.startswith("encoder.")} - unread <= moved
    assert not one.maps


def test_kept_maps_are_those_of_the_encoder(tmp_path):
    one, data, _ = fit(tmp_path)
    assert set(one.maps) == {"L", "development"}
    for name, maps in one.maps.items():
        whole = torch.cat([each.chunks for each in data.in_order(name, torch.device("cpu"))])
        assert torch.allclose(maps, one.eval().latents(whole), atol=1e-6)


def test_kept_maps_change_speed_alone(tmp_path):
    """Batches of other sizes sum in another order: float32's last digits."""
    kept, data, _ = fit(tmp_path / "kept")
    fresh, _, _ = fit(tmp_path / "fresh", "model.cache_maps=false")
    chunks = next(iter(data.in_order("development", torch.device("cpu")))).chunks
    with torch.no_grad():
        assert torch.allclose(kept.eval()(chunks), fresh.eval()(chunks), atol=1e-4)


def test_it_comes_back_from_its_checkpoint_alone(tmp_path):
    one, _, _ = fit(tmp_path)
    again = load_predictor(tmp_path / "checkpoints" / "last.ckpt").model
    with torch.no_grad():
        assert torch.equal(again(batch().chunks), one.eval()(batch().chunks))
    assert not any(parameter.requires_grad for parameter in again.encoder.parameters())


@pytest.mark.parametrize("name", ["cnn_regressor", "deep_emocluster", "acg_emocluster", "cnn_vae", "cnn_laddernet"])
def test_every_encoder_has_a_map_to_read(name):
    encoder = model(name).eval().encoder
    maps = encoder.feature_map(batch().chunks.flatten(0, 1))
    assert maps.shape[1:] == map_shape_of(encoder)


@pytest.mark.parametrize("pooling", ["none", "time", "statistics", "all"])
@pytest.mark.parametrize("layers", [0, 2])
def test_classifiers_of_all_shapes(pooling, layers):
    one = ConvClassifier((5, 3, 4), 2, num_layers=layers, num_filters=6, pooling=pooling)
    assert one(torch.randn(7, 5, 3, 4)).shape == (7, 2)
    channels = 6 if layers else 5
    assert one.output.in_features == channels * {"none": 12, "time": 4, "statistics": 8, "all": 1}[pooling]


def test_statistics_are_mean_and_deviation_and_have_a_gradient_where_nothing_varies():
    one = ConvClassifier((5, 3, 4), 2, num_layers=0, dropout=0.0, pooling="statistics").eval()
    maps = torch.randn(2, 5, 3, 4)
    normal = one.blocks(maps)
    read = torch.cat([normal.mean(2).flatten(1), normal.std(2, correction=0).flatten(1)], 1)
    assert torch.allclose(one(maps), one.output(read), atol=1e-4)
    still = torch.ones(2, 5, 3, 4, requires_grad=True)
    one(still).sum().backward()
    assert still.grad.isfinite().all()


def test_pooling_over_time_forgets_the_order_of_frames_alone():
    one = ConvClassifier((5, 3, 4), 2, num_layers=0, dropout=0.0, pooling="time").eval()
    maps = torch.randn(2, 5, 3, 4)
    assert torch.allclose(one(maps), one(maps[:, :, [2, 0, 1]]), atol=1e-6)
    assert not torch.allclose(one(maps), one(maps[..., [1, 0, 2, 3]]), atol=1e-3)


def test_chunks_that_are_not_there_do_not_count():
    _, one, _ = made()
    chunks = batch().chunks
    longer = torch.cat([chunks, torch.full_like(chunks[:, :2], torch.nan)], 1)
    with torch.no_grad():
        assert torch.allclose(one.eval()(longer), one(chunks), atol=1e-6)
        assert one.of_chunks(longer)[:, -2:].isnan().all()


def test_one_against_the_rest(tmp_path):
    one, _, _ = fit(tmp_path, "task.output=one_vs_rest")
    with torch.no_grad():
        told = one.eval()(batch().chunks)
    assert torch.allclose(told.sum(1), torch.ones(len(told)), atol=1e-6)
    outputs, labels = torch.tensor([[[2.0, -1.0, 0.0]]]), torch.tensor([[1.0]])
    yes = torch.tensor([0.0, 1.0, 0.0])
    p = outputs[0, 0].sigmoid()
    expected = -(yes * p.log() + (1 - yes) * (1 - p).log()).mean()
    assert one.task.loss(outputs, labels).item() == pytest.approx(expected.item(), rel=1e-6)
