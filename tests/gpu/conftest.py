"""What only a machine with a GPU can show: `make test-gpu`."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("PyTorch finds no GPU here")
