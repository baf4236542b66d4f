"""From spans of recordings to what models tell of them."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from datamodules.errors import DataError
from datamodules.labels import ATTRIBUTES, SCALE
from experiments.results.hearing import Heard, Span, hear
from experiments.results.predicted import OK, WARNING, Predicted, ToldChunk, Values
from experiments.results.trained_model import Predictor, Told

NO_NUMBER = "the prediction is NaN or infinite: the model's training has diverged, or the recording is far too loud"


def predict_spans(
    predictors: Sequence[Predictor], spans: Sequence[Span], chunks: bool, embedding: bool
) -> Iterator[Predicted]:
    """One a span, all of them predicted together. chunks, embedding: tell these, too."""
    heard = [hear([predictor.front_end for predictor in predictors], span) for span in spans]
    readable = [one for one in heard if one.inputs]
    told = [
        predictor.tell([one.inputs[number].chunks for one in readable], chunks, embedding) if readable else []
        for number, predictor in enumerate(predictors)
    ]
    of_readable = iter(zip(*told, strict=True))
    for one in heard:
        yield _predicted(one, next(of_readable) if one.inputs else ())


def _predicted(heard: Heard, told: Sequence[Told]) -> Predicted:
    span, duration = heard.span, heard.seconds if heard.inputs else None
    values = {name: value for one in told for name, value in one.values.items()}
    if not all(isinstance(value, str) or math.isfinite(value) for value in values.values()):
        return Predicted(span.path, span.start_seconds, duration, {}, NO_NUMBER, heard.digest)
    embeddings = [one.embedding for one in told if one.embedding is not None]
    return Predicted(
        span.path,
        span.start_seconds,
        duration,
        values,
        _status(heard, values),
        heard.digest,
        _chunks(heard, told),
        np.concatenate(embeddings) if embeddings else None,
    )


def _chunks(heard: Heard, told: Sequence[Told]) -> list[ToldChunk]:
    """All models cut alike, so the first one's times are everyone's."""
    rows = zip(*(one.of_chunks for one in told), strict=True)
    times = heard.inputs[0].seconds if heard.inputs else ()
    before = heard.span.start_seconds
    return [
        ToldChunk(before + start, before + end, {name: value for one in row for name, value in one.items()})
        for (start, end), row in zip(times, rows, strict=False)
    ]


def _status(heard: Heard, values: Values) -> str:
    if heard.fault:
        return heard.fault
    low, high = SCALE
    outside = [
        f"{name} is out of the scale {low:g} to {high:g}"
        for name, value in values.items()
        if name in ATTRIBUTES and isinstance(value, float) and not low <= value <= high
    ]
    warnings = [*heard.warnings, *outside]
    return WARNING + "; ".join(warnings) if warnings else OK


def output_names(predictors: Sequence[Predictor]) -> list[str]:
    """What all models tell, attributes in their usual order. Raises DataError when two tell the same."""
    named = [name for predictor in predictors for name in predictor.output_names]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise DataError(f"{' and '.join(twice)} would come from more than one checkpoint; give one for each.")
    return [*(name for name in ATTRIBUTES if name in named), *(name for name in named if name not in ATTRIBUTES)]


def check_alike(predictors: Sequence[Predictor], option: str) -> None:
    """Raise DataError where models cut recordings differently, so that they tell nothing of the same chunks."""
    cuts = {(one.front_end.features, one.front_end.chunks) for one in predictors}
    if len(cuts) > 1:
        raise DataError(f"{option}: the checkpoints cut recordings into different chunks; give one at a time.")
