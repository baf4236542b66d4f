"""Whatever a checkpoint holds as plain data: a model that tells numbers, or one sentence of ours."""

import io

import numpy as np
import pytest
import soundfile
import torch
from damaged_bytes import changed, edits, fuzzed
from hypothesis import given
from hypothesis import strategies as st

from datamodules.chunking import ChunkSettings
from datamodules.errors import UserError
from datamodules.features import FeatureSettings
from datamodules.front_end import FrontEnd
from experiments.results import load_predictor
from sermodels.temp_gru import TempGRU

pytestmark = pytest.mark.faults
MELS = 32


@pytest.fixture(scope="module")
def content():
    features = FeatureSettings(num_mels=MELS)
    chunks = ChunkSettings(max_seconds=2.0)
    torch.manual_seed(0)
    model = TempGRU(num_clusters=3, num_mels=MELS)
    front_end = FrontEnd(features, chunks, torch.zeros(MELS), torch.ones(MELS))
    return {
        "model_class": "sermodels.temp_gru.TempGRU",
        "hyper_parameters": {name: value for name, value in model.hparams.items() if value is not None},
        "ChunkDataModule": {"front_end": front_end.to_dict()},
        "state_dict": model.state_dict(),
        "run": "temp_gru-x-0",
    }


@pytest.fixture(scope="module")
def wav(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "one.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 20_000), 16_000)
    return path


def told_or_a_sentence(file, wav):
    said = ""
    try:
        told = load_predictor(file).predict_file(wav)
    except UserError as error:
        said = str(error)
    if said:
        assert "\n" not in said
        assert len(said) < 3000
        return
    assert told is not None


def test_as_it_was_written_it_tells(content, wav, tmp_path):
    torch.save(content, tmp_path / "x.ckpt")
    assert load_predictor(tmp_path / "x.ckpt").predict_file(wav) is not None


@fuzzed
@given(data=st.data())
def test_its_plain_data(content, wav, tmp_path, data):
    plain = {name: value for name, value in content.items() if name != "state_dict"}
    made = data.draw(changed(plain))
    if isinstance(made, dict) and data.draw(st.booleans() | st.just(True)):
        made = made | {"state_dict": content["state_dict"]}
    torch.save(made, tmp_path / "x.ckpt")
    told_or_a_sentence(tmp_path / "x.ckpt", wav)


@fuzzed
@given(data=st.data())
def test_its_weights(content, wav, tmp_path, data):
    weights = dict(content["state_dict"])
    name = data.draw(st.sampled_from(sorted(weights)))
    one = weights[name]
    others = [
        one[..., None],
        one[:1].clone() if one.ndim else one,
        one.double(),
        one.int(),
        one * torch.nan,
        one.half(),
    ]
    weights[name] = data.draw(st.sampled_from([*others, 3, None, "weights", torch.zeros(0)]))
    if data.draw(st.integers(0, 4)) == 0:
        del weights[name]
    torch.save(content | {"state_dict": weights}, tmp_path / "x.ckpt")
    told_or_a_sentence(tmp_path / "x.ckpt", wav)


@fuzzed
@given(data=st.data())
def test_its_bytes(content, wav, tmp_path, data):
    small = {name: value for name, value in content.items() if name != "state_dict"}
    file = io.BytesIO()
    torch.save(small, file)
    (tmp_path / "x.ckpt").write_bytes(data.draw(edits(file.getvalue())))
    told_or_a_sentence(tmp_path / "x.ckpt", wav)
