"""What every test may ask for."""

import os

# The suite's processes share the cores (see addopts), and so do the programs that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import signal
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.core_plugins.importlib_resources_config_source import ImportlibResourcesConfigSource

import callbacks
from datamodules.allocator import keep_freed_memory

# Callbacks that end a training in the middle; what may be named as a callback lies in that package alone.
callbacks.__path__.append(str(Path(__file__).parent / "mishaps"))
VARIABLE = "EMOCLUSTER_TEST_DATA"

keep_freed_memory()  # as the programs do; the suite takes half the time
# A shell starts what it runs in the background with SIGINT ignored, and so would be every program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


def _parse_every_yaml_once() -> None:
    """Hydra reads and parses all of conf/ anew for each of a thousand configs that tests compose."""

    def once(kind: Any) -> None:
        parse, parsed = kind.load_config, {}

        def load_config(self: Any, config_path: str) -> Any:
            key = (self.path, config_path)
            if key not in parsed:
                parsed[key] = parse(self, config_path)
            return deepcopy(parsed[key])

        kind.load_config = load_config

    once(FileConfigSource)
    once(ImportlibResourcesConfigSource)


_parse_every_yaml_once()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real recordings and authors' weights. Without it the test skips; on CI it fails."""
    named = os.environ.get(VARIABLE)
    if named and Path(named).is_dir():
        return Path(named)
    reason = f"set {VARIABLE} to the folder of real test data to run this test"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def _same_threads() -> Iterator[None]:
    """Bits depend on the number of threads, and a test may have changed it."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
