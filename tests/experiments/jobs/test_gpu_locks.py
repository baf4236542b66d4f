"""One job a GPU."""

import threading
import time
from pathlib import Path

import pytest

from datamodules.errors import ConfigurationError
from experiments.jobs.gpu_locks import hold_gpus, visible_gpus


def test_each_job_holds_gpus_of_its_own(tmp_path: Path) -> None:
    with hold_gpus(1, ["0", "1"], tmp_path) as first, hold_gpus(1, ["0", "1"], tmp_path) as second:
        assert (first, second) == (["0"], ["1"])
        got: list[str] = []

        def wait() -> None:
            with hold_gpus(2, ["0", "1"], tmp_path, every=0.01) as both:
                got.extend(both)

        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.2)
        assert not got
    waiting.join(10)
    assert got == ["0", "1"]


def test_more_gpus_than_there_are_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there are 1 GPUs here"), hold_gpus(2, ["0"], tmp_path):
        raise AssertionError("held")


def test_the_gpus_are_those_that_the_user_left_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, GPU-ab")
    assert visible_gpus() == ["3", "GPU-ab"]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigurationError, match="set trainer=cpu"):
        visible_gpus()
