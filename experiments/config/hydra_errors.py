"""What goes wrong inside Hydra, its sweepers and launchers, as errors that a program can tell in a sentence."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hydra._internal import utils
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from datamodules.errors import ConfigurationError, is_out_of_memory
from experiments.config.composing import refusal


@contextmanager
def hydra_errors() -> Iterator[None]:
    """While Hydra runs, what it would print as a traceback before it exits with 1 comes out of it.

    Raises ConfigurationError for what Hydra, a sweeper or a launcher refuses; anything else is as it was raised. Of
    Hydra 1.3, which has no other way than HYDRA_FULL_ERROR: that is for people, and every child process would have it.
    """
    its_own: Any = utils.run_and_report
    utils.run_and_report = _run  # type: ignore[assignment]
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) or is_out_of_memory(error) or (by := _raised_by(error)) == "experiments":
            raise
        if isinstance(error, HydraException | OmegaConfBaseException):
            raise ConfigurationError(refusal(error)) from error
        if by != "hydra_plugins":
            raise
        if "No trials are completed" in str(error):  # Optuna looks for the best one; the table says why there is none
            sys.exit(1)
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise ConfigurationError(
            f"the sweep cannot be made ({reason}); mend hydra.sweeper or hydra.launcher."
        ) from error
    finally:
        utils.run_and_report = its_own


def _run(function: Callable[[], Any]) -> Any:
    return function()


def _raised_by(error: Exception) -> str:
    """Whose line, of ours, Hydra's and its plugins', was the last before the error; ours may stand above and below."""
    packages = []
    trace = error.__traceback__
    while trace is not None:
        packages.append(str(trace.tb_frame.f_globals.get("__name__", "")).split(".")[0])
        trace = trace.tb_next
    # The first line is that of whoever entered this manager.
    known = [one for one in packages[1:] if one in ("experiments", "hydra", "hydra_plugins")]
    return known[-1] if known else ""
