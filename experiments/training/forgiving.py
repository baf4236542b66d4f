"""A logger of somebody else's, which may fail without harm to a training."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pytorch_lightning.loggers import Logger

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)


class Service(Protocol):
    """What takes a run's curves, and more than curves."""

    name: str | None
    version: int | str | None

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """A point of every curve."""

    def log_scores(self, scores: Mapping[str, float]) -> None:
        """The run's result, by the names of metrics.json's numbers."""

    def log_picture(self, name: str, path: Path) -> None:
        """A picture from a file."""

    def log_predictions(self, name: str, table: "pd.DataFrame") -> None:
        """Sentences and what was told of them."""

    def finalize(self, status: str) -> None:
        """Training has ended."""


class ForgivingLogger(Logger):
    """Hands everything to a service until that fails; then says so once, and training goes on without it.

    called: the service's name for its users.
    """

    def __init__(self, service: Service, called: str) -> None:
        super().__init__()
        self.service = service
        self.called = called
        self.works = True

    @property
    def name(self) -> str | None:
        """The service's; it names no folder of ours."""
        return self.service.name

    @property
    def version(self) -> int | str | None:
        """The service's."""
        return self.service.version

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """See Logger."""
        self._try("log_metrics", metrics, step)

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Nothing: the whole config is given to the service when it is made."""

    def log_scores(self, scores: Mapping[str, float]) -> None:
        """See Service."""
        self._try("log_scores", scores)

    def log_picture(self, name: str, path: Path) -> None:
        """See Service."""
        self._try("log_picture", name, path)

    def log_predictions(self, name: str, table: "pd.DataFrame") -> None:
        """See Service."""
        self._try("log_predictions", name, table)

    def finalize(self, status: str) -> None:
        """See Logger."""
        self._try("finalize", status)

    def _try(self, method: str, *arguments: Any) -> None:
        if not self.works:
            return
        try:
            getattr(self.service, method)(*arguments)
        except Exception as error:  # whatever a network, an account or a full disk makes of it
            self.works = False
            log.warning(
                "%s fails (%s: %s); training goes on without it, history.csv has everything.",
                self.called,
                type(error).__name__,
                error,
            )
