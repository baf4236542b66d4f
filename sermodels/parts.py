"""Networks and plans as plain data: `_target_` names a class of sermodels, the other keys are its arguments.

What a yaml says is what a checkpoint keeps, so a model comes back from its checkpoint alone and no code is loaded.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from datamodules.named import named

Part = Mapping[str, Any]
"""`{"_target_": "sermodels.encoders.vgg.VGG16", "dropout": 0.5}`."""

T = TypeVar("T")


def make(slot: str, part: Part, role: type[T], **offered: Any) -> T:
    """The object that `part` describes, an instance of `role`.

    slot: where a user finds the part in a config, as in `encoder`; every fault is told by it.
    offered: what the model knows (sizes, other parts); the class gets those that its constructor names.

    Raises ValueError for a class that is none of sermodels or plays another role, for an option that it does not
    have, and for what its constructor refuses.

    >>> from sermodels.temporal_nets.temporal_net import TemporalNet
    >>> make("temporal_net", {"_target_": "sermodels.temporal_nets.recurrent.TemporalRecurrent", "kind": "gru"},
    ...      TemporalNet, num_features=8)
    TemporalRecurrent(
      (layer): GRU(8, 8, batch_first=True)
    )
    """
    kind = _class_of(slot, part, role)
    options = {name: value for name, value in part.items() if name != "_target_"}
    parameters = constructor_parameters(kind)
    known = [name for name in parameters if name not in offered]
    for name in options:
        if name not in known:
            raise ValueError(
                f"{slot}.{name}: {kind.__name__} has no such option; there are {', '.join(known) or 'none'}"
            )
    try:
        return kind(**options, **{name: value for name, value in offered.items() if name in parameters})
    except (ValueError, TypeError) as error:
        raise ValueError(f"{slot}: {error}") from error


def constructor_parameters(kind: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """What a class, or a function, is called with by name.

    A constructor that takes `**others` hands them to the one above it, whose parameters are then its own too; so an
    option that a family shares is declared once.
    """
    found: dict[str, inspect.Parameter] = {}
    own = (vars(one).get("__init__") for one in inspect.getmro(kind)) if inspect.isclass(kind) else [kind]
    for one in filter(inspect.isfunction, own):
        parameters = [p for name, p in inspect.signature(one).parameters.items() if name != "self"]
        for parameter in parameters:
            if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                found.setdefault(parameter.name, parameter)
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            break
    return found


def _class_of(slot: str, part: Part, role: type[T]) -> type[T]:
    path = part.get("_target_") if isinstance(part, Mapping) else None
    if not isinstance(path, str):
        raise ValueError(f"{slot} is a part with a _target_, not {part!r}; name its class")
    try:
        kind = named(path, "sermodels")
    except ValueError as error:
        raise ValueError(f"{slot}: {error}") from error
    if not (inspect.isclass(kind) and issubclass(kind, role)) or kind is role:
        raise ValueError(f"{slot}: {path} is no {role.__name__} of its own kind")
    return kind
