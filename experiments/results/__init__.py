"""What a run leaves behind, and what can be done with it.

`load_predictor` is what a notebook needs; what only looks at files needs no PyTorch, so it is imported when asked for.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.results.loading import load_predictor
    from experiments.results.trained_model import Predictor

__all__ = ["Predictor", "load_predictor"]


def __getattr__(name: str) -> Any:
    """The two names above."""
    if name == "load_predictor":
        from experiments.results.loading import load_predictor

        return load_predictor
    if name == "Predictor":
        from experiments.results.trained_model import Predictor

        return Predictor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
