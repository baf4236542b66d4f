"""What several of these tests spoil."""

import io

import numpy as np
import pytest
import soundfile


@pytest.fixture(scope="session")
def recording() -> bytes:
    """A short flac."""
    file = io.BytesIO()
    soundfile.write(file, np.random.default_rng(0).normal(0, 0.1, 1600), 16000, format="FLAC")
    return file.getvalue()
