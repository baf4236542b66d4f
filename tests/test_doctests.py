"""What the docstrings show is so."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OURS = ("sermodels", "datamodules", "callbacks", "experiments")
SHOWING = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for folder in OURS
    for path in (ROOT / folder).rglob("*.py")
    if ">>>" in path.read_text()
)


@pytest.mark.parametrize("module", SHOWING)
def test_examples_run(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = doctest.testmod(import_module(module), optionflags=doctest.ELLIPSIS)
    assert result.attempted > 0
    assert result.failed == 0, capsys.readouterr().out


def test_the_examples_that_a_user_starts_with_are_among_them() -> None:
    rooms = {"results.trained_model", "results.metrics", "config.composing", "results.run_result"}
    assert {f"experiments.{name}" for name in rooms} | {"sermodels.parts"} <= set(SHOWING)
