"""What goes wrong inside Hydra, its sweepers and launchers, as errors that a program can tell in a sentence."""

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
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigurationError(refusal(error)) from error
    except Exception as error:
        if isinstance(error, OSError) or is_out_of_memory(error) or not _is_of_a_plugin(error):
            raise
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise ConfigurationError(
            f"the sweep cannot be made ({reason}); mend hydra.sweeper or hydra.launcher."
        ) from error
    finally:
        utils.run_and_report = its_own


def _run(function: Callable[[], Any]) -> Any:
    return function()


def _is_of_a_plugin(error: Exception) -> bool:
    """Whether a plugin of Hydra's, or what it called, raised it: nothing of ours lies below the plugin's last line."""
    modules = []
    trace = error.__traceback__
    while trace is not None:
        modules.append(str(trace.tb_frame.f_globals.get("__name__", "")))
        trace = trace.tb_next
    below = [one.split(".")[0] for one in modules if one.startswith(("hydra_plugins.", "experiments."))]
    return bool(below) and below[-1] == "hydra_plugins"
