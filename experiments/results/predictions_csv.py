"""Predictions of many recordings as a CSV that an interruption does not cost.

Shapes: C chunks, T frames, F mel bins.
"""

import csv
import hashlib
import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import track
from torch import Tensor

from datamodules.errors import DataError
from datamodules.labels import ATTRIBUTES
from experiments.results.trained_model import Predictor

OK = "ok"
NO_NUMBER = "the prediction is NaN or infinite: the model's training has diverged, or the recording is far too loud"
FILES_AT_ONCE = 16  # about 176 chunks, a size that a CPU runs fast


class Heard(NamedTuple):
    """A file that was read: one input for every model, or the reason why there is none."""

    path: Path
    inputs: list[Tensor]
    seconds: float
    status: str


def check_writable(output: Path) -> None:
    """Raise DataError, before any work is done, where the CSV could not be written."""
    if output.is_dir():
        raise DataError(f"{output}: is a folder; give the name of a file to --output.")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output.parent):
            pass
    except OSError as error:
        raise DataError(f"{output}: cannot be written ({error.strerror}); give another place to --output.") from error


def predict_to_csv(predictors: Sequence[Predictor], files: Sequence[Path], output: Path) -> tuple[int, int]:
    """Write file, what the models tell, duration_s, status; (files predicted, files that were not).

    Rows go into a `.part` file beside `output`, named after the models; the same command after an interruption
    takes from it what it predicted of the same files, and goes on.
    """
    columns = ["file", *_output_names(predictors), "duration_s", "status"]
    part = output.with_name(f"{output.name}.{_digest(predictors)}.part")
    known = _known_rows(part, columns)
    rows = [known[name] for path in files if (name := _shown(path)) in known]
    left = [path for path in files if _shown(path) not in known]
    good, bad = len(rows), 0
    with part.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
        batches = [left[start : start + FILES_AT_ONCE] for start in range(0, len(left), FILES_AT_ONCE)]
        console = Console(stderr=True)
        for batch in track(batches, "predicting", console=console, disable=not console.is_terminal):
            for row in _rows(predictors, batch):
                writer.writerow(row)
                good, bad = (good + 1, bad) if row["status"] == OK else (good, bad + 1)
            file.flush()
    os.replace(part, output)
    return good, bad


def _rows(predictors: Sequence[Predictor], files: Sequence[Path]) -> Iterator[dict[str, str]]:
    """One row a file, predicted together."""
    heard = [_hear(predictors, path) for path in files]
    readable = [one for one in heard if one.inputs]
    told: dict[Path, dict[str, float | str]] = {one.path: {} for one in readable}
    for number, predictor in enumerate(predictors if readable else ()):
        values = predictor.predict_inputs([one.inputs[number] for one in readable])
        for one, value in zip(readable, values, strict=True):
            told[one.path] |= value
    for one in heard:
        values_of_file = told.get(one.path, {})
        numbers = all(isinstance(value, str) or math.isfinite(value) for value in values_of_file.values())
        yield {
            "file": _shown(one.path),
            "duration_s": f"{one.seconds:.3f}" if one.inputs else "",
            "status": one.status if numbers else NO_NUMBER,
            **({name: _cell(value) for name, value in values_of_file.items()} if numbers else {}),
        }


def _cell(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.6f}"


def _hear(predictors: Sequence[Predictor], path: Path) -> Heard:
    """Read a file once and make every model's input of it."""
    inputs: list[Tensor] = []
    seconds = 0.0
    try:
        for predictor in predictors:
            audio = predictor.read(path)
            seconds = audio.seconds
            inputs.append(predictor.front_end.chunks_of(audio.samples))
    except DataError as error:
        return Heard(path, [], 0.0, str(error))
    return Heard(path, inputs, seconds, OK)


def _output_names(predictors: Sequence[Predictor]) -> list[str]:
    """What all models tell, attributes in their usual order. Raises DataError when two tell the same."""
    named = [name for predictor in predictors for name in predictor.output_names]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise DataError(f"{' and '.join(twice)} would come from more than one checkpoint; give one for each.")
    return [*(name for name in ATTRIBUTES if name in named), *(name for name in named if name not in ATTRIBUTES)]


def _shown(path: Path) -> str:
    """A file's name as the CSV has it; bytes that are not UTF-8 as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _digest(predictors: Sequence[Predictor]) -> str:
    """Names the models in a `.part` file, so that rows of other models are never taken for theirs."""
    digest = hashlib.sha256()
    for predictor in predictors:
        digest.update(repr((predictor.front_end.to_dict(), dict(predictor.model.hparams))).encode())
        for value in predictor.model.state_dict().values():
            digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()[:8]


def _known_rows(part: Path, columns: Sequence[str]) -> dict[str, dict[str, str]]:
    """What an interrupted prediction did well; files it could not read are tried again, and so is a torn last row."""
    if not part.exists():
        return {}
    with part.open(newline="", encoding="utf-8", errors="replace") as file:
        return {row["file"]: row for row in csv.DictReader(file) if list(row) == list(columns) and row["status"] == OK}
