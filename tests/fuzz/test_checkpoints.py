"""Whatever a well-formed checkpoint says, it is a model that predicts, or one sentence."""

import math
import resource
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fuzz.forms import fuzz, result_or_sentence, short_and_long
from fuzz.mutations import VALUES, changed, damaged
from hypothesis import strategies as st
from tiny_training import front_end, model

from datamodules.errors import DataError
from experiments.results import load_predictor

pytestmark = pytest.mark.faults

MODELS = ("deep_emocluster", "temp_gru", "cnn_laddernet", "cnn_vae")
TENSORS = (
    *(torch.tensor([]), torch.tensor(math.nan), torch.full((4,), math.nan), torch.zeros(1).expand(2**20, 2**12)),
    *(torch.zeros(3, dtype=torch.complex64), torch.zeros(2, dtype=torch.int8), torch.eye(3).to_sparse()),
)
MOST_MEMORY = 8 * 2**30  # bytes of addresses beyond what is mapped already


def checkpoint(name: str) -> dict[str, Any]:
    """What a trained model's file has that is read."""
    torch.manual_seed(0)
    made = model(name)
    return {
        "model_class": f"{type(made).__module__}.{type(made).__qualname__}",
        "hyper_parameters": dict(made.hparams),
        "state_dict": dict(made.state_dict()),
        "ChunkDataModule": {"front_end": front_end().to_dict()},
        "run": "x-0123abcd",
    }


@pytest.fixture
def little_memory() -> Iterator[None]:
    """So that a machine of any size refuses what a checkpoint asks for beyond reason."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + MOST_MEMORY, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.fixture(autouse=True)
def _short_words() -> Iterator[None]:
    """Of a failure, whose every number nobody wants to read."""
    torch.set_printoptions(threshold=2, edgeitems=1)
    yield
    torch.set_printoptions(profile="default")


def require_a_model(path: Path) -> None:
    predictor = result_or_sentence(lambda: load_predictor(path))
    if predictor is None:
        return
    rate = predictor.front_end.features.sample_rate
    noise = np.random.default_rng(0).normal(0, 0.1, max(rate, predictor.front_end.features.min_samples))
    told = result_or_sentence(lambda: predictor.predict_samples(noise))
    if told is not None:
        assert set(told) == set(predictor.output_names)
        assert all(math.isfinite(one) for one in told.values() if isinstance(one, float))


@short_and_long
@pytest.mark.parametrize("name", MODELS)
def test_other_content(name: str, cases: int, tmp_path: Path, little_memory: None) -> None:
    path = tmp_path / "x.ckpt"
    good = checkpoint(name)

    def check(content: Any) -> None:
        torch.save(content, path)
        require_a_model(path)

    narrow = {**good, "ChunkDataModule": {"front_end": {**front_end().to_dict(), "mean": [0.0] * 15}}}
    endless = deepcopy(good)
    endless["ChunkDataModule"]["front_end"]["chunks"]["max_seconds"] = 1e308
    fuzz(cases, changed(good, (*VALUES, *TENSORS)), check, good, narrow, endless)


def test_weights_that_are_no_numbers_are_told(tmp_path: Path) -> None:
    content = checkpoint("deep_emocluster")
    content["state_dict"]["emotion_regressor.top.bias"].fill_(math.nan)
    torch.save(content, tmp_path / "x.ckpt")
    with pytest.raises(DataError, match=r"x\.ckpt: .*its weights give NaN or infinity"):
        load_predictor(tmp_path / "x.ckpt")


@short_and_long
def test_other_bytes(cases: int, tmp_path: Path, little_memory: None) -> None:
    path = tmp_path / "x.ckpt"
    torch.save(checkpoint("deep_emocluster"), path)
    good = path.read_bytes()

    def check(content: bytes) -> None:
        path.write_bytes(content)
        require_a_model(path)

    places = st.integers(0, len(good) - 1)
    flipped = st.builds(
        lambda at, bit: good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :], places, st.integers(0, 7)
    )
    cut = st.builds(lambda at: good[:at], places)
    fuzz(cases, st.one_of(flipped, cut, damaged(good)), check)
