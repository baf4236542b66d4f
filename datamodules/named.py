"""Classes and functions by their names, of this program's own alone.

Names come from command lines, from yaml files, and from checkpoints and run directories that somebody else made. What
is not listed here as a place of ours is never imported, so no name can make the program run foreign code.
"""

from importlib import import_module
from typing import Any

from datamodules.errors import DataError, is_out_of_memory


def named(path: Any, package: str) -> Any:
    """What `path`, as in `sermodels.encoders.vgg.VGG16`, names: something that a module of `package` itself defines.

    Raises ValueError for any other place, before anything is imported; for what there is not; and for what the module
    has from elsewhere. Raises DataError where it needs what cannot be imported.

    >>> named("datamodules.schedule.supervised", "datamodules.schedule").__name__
    'supervised'
    >>> named("os.system", "datamodules.schedule")
    Traceback (most recent call last):
    ValueError: os.system is not one of datamodules.schedule
    """
    module, _, name = path.rpartition(".") if isinstance(path, str) else ("", "", "")
    if module != package and not module.startswith(package + "."):
        raise ValueError(f"{path} is not one of {package}")
    try:
        found = getattr(import_module(module), name)
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name and f"{path}.".startswith(f"{error.name}."):
            raise ValueError(f"there is no {path}") from error
        if is_out_of_memory(error):
            raise
        raise DataError(f"{path}: what it needs cannot be imported ({error}); install the program again.") from error
    except (AttributeError, ValueError) as error:
        raise ValueError(f"there is no {path}") from error
    if name.startswith("_") or getattr(found, "__module__", None) != module:
        raise ValueError(f"{path} is not one of {package}")
    return found
