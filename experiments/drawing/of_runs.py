"""The figures of a run, and of several runs beside each other."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from callbacks.generated_pictures import generated_figure
from datamodules.errors import DataError, UserError
from experiments.config.plan import DataPlan
from experiments.config.saved import evaluation_data
from experiments.config.targets import read_corpus
from experiments.drawing.agreement import draw_predictions
from experiments.drawing.cluster_rounds import draw_clusters
from experiments.drawing.curves import draw_curves
from experiments.drawing.hidden import Hidden, clusters_of, hidden_sets, rated
from experiments.drawing.provenance import provenance, sign
from experiments.drawing.space import draw_attributes, draw_space
from experiments.drawing.style import FORMATS, save
from experiments.drawing.transitions import draw_transitions
from experiments.results.confusion import confusion_figure
from experiments.results.run_result import RunResult
from experiments.results.subject import Subject, subject_of

log = logging.getLogger(__name__)

FIGURES = ("curves", "clusters", "predictions", "confusion", "samples", "transitions", "space", "attributes")
OF_SOUND = ("transitions", "space", "attributes")
"""Those that read the corpus again; the others are made of what the run left."""


@dataclass
class DrawnRun:
    """A finished run, and where its corpus lies if not where it lay."""

    run: RunResult
    root: str | None = None
    settings: Sequence[str] = ()

    @cached_property
    def subject(self) -> Subject:
        """Its model."""
        return subject_of(self.run.path)

    @cached_property
    def hidden(self) -> dict[str, Hidden]:
        """Its encoder's view of Train and test. Raises DataError where there is none."""
        plan: DataPlan = evaluation_data(self.run.config, None, self.root, self.settings)
        return hidden_sets(self.run, self.subject, read_corpus("data.corpus", plan.corpus), plan)

    @cached_property
    def clusters(self) -> Tensor:
        """(S, C) of the test set's chunks."""
        return clusters_of(self.run, self.hidden["test"])

    def figures(self, names: Sequence[str]) -> Iterator[tuple[str, Figure]]:
        """Those of FIGURES that are asked for and that there are of such a run."""
        makers: dict[str, Callable[[], Iterator[tuple[str, Figure]]]] = {
            "curves": lambda: iter([("curves", draw_curves(self.run))]),
            "clusters": self._clusters,
            "predictions": self._predictions,
            "confusion": self._confusion,
            "samples": self._samples,
            "transitions": lambda: self._of_hidden("transitions"),
            "space": lambda: self._of_hidden("space"),
            "attributes": lambda: self._of_hidden("attributes"),
        }
        for name in names:
            yield from makers[name]()

    def _clusters(self) -> Iterator[tuple[str, Figure]]:
        if (self.run.path / "clusters.csv").exists():
            yield "clusters", draw_clusters(self.run)

    def _predictions(self) -> Iterator[tuple[str, Figure]]:
        for name, scores in self.run.metrics.test.items():
            if scores.get("n") and "ccc" in scores:
                yield f"predictions-{name}", draw_predictions(self.run.predictions(name), name)

    def _confusion(self) -> Iterator[tuple[str, Figure]]:
        for name, scores in self.run.metrics.test.items():
            if "confusion" in scores:
                yield f"confusion-{name}", confusion_figure(scores["confusion"])

    def _samples(self) -> Iterator[tuple[str, Figure]]:
        model: Any = self.subject.predictor.model
        if hasattr(model, "generate") and hasattr(model, "panel"):
            with torch.no_grad():
                yield "samples", generated_figure({"generated": model.generate(model.panel())})

    def _of_hidden(self, name: str) -> Iterator[tuple[str, Figure]]:
        if self.subject.predictor.front_end.features.frames_a_piece is not None:
            return
        train, test = self.hidden["train"], self.hidden["test"]
        if name == "transitions" and test.h.shape[1] > 1:
            yield name, draw_transitions({self.run.metrics.model: (test, self.clusters)})
        if name == "space":
            yield name, draw_space(train, test, self.clusters, self.run.deciding_number("seed") or 0)
        if name == "attributes" and rated(test):
            yield name, draw_attributes(test, self.clusters)


def draw_run(drawn: DrawnRun, names: Sequence[str], folder: Path) -> list[Path]:
    """Write a run's figures; what cannot be drawn is told and costs no other.

    Raises DataError for a run that is not done.
    """
    signed = provenance(drawn.run)
    written: list[Path] = []
    for name in names:
        try:
            for called, figure in drawn.figures([name]):
                sign(figure, signed)
                written += save(figure, folder / called)
        except UserError as error:
            log.warning("%s: %s is not drawn: %s", drawn.run.path.name, name, error)
    return written


def draw_together(several: Sequence[DrawnRun], folder: Path, formats: tuple[str, ...] = FORMATS) -> list[Path]:
    """Transition ratios of several runs in one figure.

    Raises DataError where they were not tested on the same corpus, or where one has no fixed chunks.
    """
    corpora = {(one.run.metrics.corpus["name"], one.run.metrics.corpus["version"]) for one in several}
    if len(corpora) > 1:
        raise DataError("these runs are of different corpora, and not drawn together; give those of one.")
    names = [one.run.metrics.model for one in several]
    labels = [
        name if names.count(name) == 1 else f"{name}, {one.run.path.name[-8:]}"
        for name, one in zip(names, several, strict=True)
    ]
    figure = draw_transitions(
        {label: (one.hidden["test"], one.clusters) for label, one in zip(labels, several, strict=True)}
    )
    sign(figure, "\n".join(provenance(one.run) for one in several))
    return save(figure, folder / "transitions", formats)
