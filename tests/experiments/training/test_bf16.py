"""Mixed precision that costs time instead of saving it is told."""

import logging

import pytest
import torch

from experiments.training.bf16 import processor_has_bf16, warn_of_slow_bf16


@pytest.mark.parametrize(
    ("known", "has"),
    [
        ({"architecture": "x86_64", "avx2": True, "avx512_bf16": False, "amx_bf16": False}, False),
        ({"architecture": "x86_64", "avx512_bf16": True, "amx_bf16": False}, True),
        ({"architecture": "x86_64", "avx512_bf16": False, "amx_bf16": True}, True),
        ({"architecture": "aarch64"}, True),
    ],
)
def test_what_processors_can(known, has, monkeypatch, caplog):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known)
    assert processor_has_bf16() is has
    with caplog.at_level(logging.WARNING):
        warn_of_slow_bf16("cpu", "bf16-mixed")
    assert ("trainer.precision=32-true is faster here" in caplog.text) is not has


def test_other_precisions_and_devices_are_left_alone(monkeypatch, caplog):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"architecture": "x86_64"})
    warn_of_slow_bf16("cpu", "32-true")
    warn_of_slow_bf16("cuda", "bf16-mixed")
    assert not caplog.text
    assert not processor_has_bf16()
