"""Whether options are of the types that the annotations of whoever reads them ask for.

What a number may be, or which words there are, its reader says itself.
"""

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any, get_args

from pydantic import ConfigDict, TypeAdapter, ValidationError

from datamodules.errors import ConfigurationError
from sermodels.parts import constructor_parameters

STRICT = ConfigDict(strict=True, arbitrary_types_allowed=True, allow_inf_nan=False)
WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a word", type(None): "null"}


def check_options(
    where: str, options: Mapping[str, Any], reader: Callable[..., Any], given: Collection[str] = ()
) -> None:
    """Refuse options that `reader` (a class or a function) does not take, that are of another type, or that lack.

    where: in the config. given: arguments that are nobody's choice, because the program fills them in.
    Raises ConfigurationError.
    """
    parameters = {name: one for name, one in constructor_parameters(reader).items() if name not in given}
    for name, value in options.items():
        if name not in parameters:
            raise ConfigurationError(
                f"{where}.{name}: {reader.__name__} has no such option; there are {', '.join(parameters) or 'none'}."
            )
        check_type(f"{where}.{name}", value, parameters[name].annotation)
    for name, parameter in parameters.items():
        if parameter.default is inspect.Parameter.empty and name not in options:
            raise ConfigurationError(f"{where}.{name}: {reader.__name__} needs it; set it, or leave it as it was.")


def check_type(where: str, value: Any, annotation: Any) -> None:
    """Raise ConfigurationError for a value that is not of an annotation's type; infinity and NaN are no numbers."""
    if annotation is inspect.Parameter.empty:
        return
    try:
        TypeAdapter(annotation, config=STRICT).validate_python(value)
    except ValidationError:
        raise ConfigurationError(f"{where}={_shown(value)}: set {_in_words(annotation)}.") from None


def _shown(value: Any) -> str:
    return "null" if value is None else str(value)


def _in_words(annotation: Any) -> str:
    """What people write for a value of this type.

    >>> _in_words(int | None)
    'a whole number or null'
    """
    parts = get_args(annotation) if getattr(annotation, "__origin__", None) is None else ()
    if parts:
        return " or ".join(dict.fromkeys(_in_words(part) for part in parts))
    if inspect.isclass(annotation) and annotation in WORDS:
        return WORDS[annotation]
    name = str(getattr(annotation, "__name__", annotation))
    return {"Path": "a path", "Sequence": "a list", "Mapping": "options by name"}.get(name, f"a {name}")
