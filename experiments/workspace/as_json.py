"""A view as the JSON that wandb-workspaces sends, checked by its own model without a network; and the sending."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from datamodules.errors import DataError


class View(Protocol):
    """A report or a workspace of wandb-workspaces."""

    url: Any

    def _to_model(self) -> Any: ...

    def save(self) -> Any:
        """Into the project."""


def as_json(view: View) -> Mapping[str, Any]:
    """Its content. `_to_model` is private to wandb-workspaces, so constraints.txt pins a version and a test looks."""
    content: Mapping[str, Any] = json.loads(view._to_model().model_dump_json(by_alias=True))
    return content


def push(view: View) -> str:
    """Save it in its project, and its address. Raises DataError for whatever an account or a network makes of it."""
    try:
        view.save()
        return str(view.url)
    except Exception as error:
        raise DataError(
            f"Weights & Biases did not take the {type(view).__name__.lower()} ({type(error).__name__}: {error}); "
            "run `wandb login`, and look at --entity and --project."
        ) from error
