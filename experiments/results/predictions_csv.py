"""Predictions of many recordings as a CSV that an interruption does not cost.

Shapes: C chunks, T frames, F mel bins.
"""

import csv
import hashlib
import math
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import track

from datamodules.content import content_digest
from datamodules.errors import DataError
from datamodules.labels import ATTRIBUTES, SCALE
from experiments.results.hearing import Heard, Span, hear, spans_of
from experiments.results.trained_model import Predictor

OK = "ok"
WARNING = "warning: "
NO_NUMBER = "the prediction is NaN or infinite: the model's training has diverged, or the recording is far too loud"
SPANS_AT_ONCE = 16  # about 176 chunks, a size that a CPU runs fast
# In the .part file alone: what a row was made of.
DIGEST = "digest"


class Counts(NamedTuple):
    """How a prediction of many files came out, in rows."""

    good: int
    """Predicted, with a warning or without."""
    warned: int
    bad: int


def check_writable(output: Path, files: Iterable[Path], models: Iterable[Path] = ()) -> Path:
    """Where the CSV will lie: `output`, or what it links to.

    Raises DataError, before any work is done, where it cannot be written or would replace something else: one of the
    recordings, one of the files that `models` are read from, a device.
    """
    try:
        if output.is_dir():
            raise DataError(f"{output}: is a folder; give the name of a file to --output.")
        target = Path(os.path.realpath(output))
        if target.is_symlink():
            raise DataError(f"{output}: is a link that leads back to itself; give another place to --output.")
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            raise DataError(f"{output}: is no file but a device or the like; give another place to --output.")
        for what, paths in (("one of the recordings", files), ("a file of a model", models)):
            for file in paths:
                if os.path.realpath(file) == str(target) or (
                    target.exists() and file.exists() and file.samefile(target)
                ):
                    raise DataError(f"{output}: is {what}; give another place to --output.")
        target.parent.mkdir(parents=True, exist_ok=True)
        # As long as the name of the .part file.
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f"{target.name}.", suffix=".part"):
            pass
    except OSError as error:
        raise DataError(f"{output}: cannot be written ({error.strerror}); give another place to --output.") from error
    return target


def predict_to_csv(
    predictors: Sequence[Predictor], files: Sequence[Path], output: Path, windows: bool = False
) -> Counts:
    """Write file, what the models tell, duration_s, status.

    status: `ok`; `warning: …` where there is a prediction and something to say of it; else why there is none.
    windows: a recording longer than T_max gets a row for each of the equally long parts that are not, and the table a
        column start_s; else it gets one row, and its chunks have gaps between them.

    Rows go into a `.part` file beside `output`, named after the models; the same command after an interruption
    takes from it what it predicted of recordings that hold the same still, and goes on.
    """
    columns = ["file", *(["start_s"] if windows else []), *_output_names(predictors), "duration_s", "status"]
    longest = min(predictor.front_end.chunks.max_seconds for predictor in predictors) if windows else math.inf
    spans = [span for path in files for span in (spans_of(path, longest) if windows else [Span(path)])]
    part = output.with_name(f"{output.name}.{_digest(predictors)}.part")
    known = _known_rows(part, [*columns, DIGEST])
    rows = {span: row for span in spans if (row := known.get(_key(span))) and _same(span, row[DIGEST])}
    left = [span for span in spans if span not in rows]
    with part.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.DictWriter(file, [*columns, DIGEST], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows.values())
        batches = [left[start : start + SPANS_AT_ONCE] for start in range(0, len(left), SPANS_AT_ONCE)]
        console = Console(stderr=True)
        for batch in track(batches, "predicting", console=console, disable=not console.is_terminal):
            for span, row in _rows(predictors, batch):
                writer.writerow(row)
                rows[span] = row
            file.flush()
    _write(output, columns, [rows[span] for span in spans])
    part.unlink()
    statuses = [row["status"] for row in rows.values()]
    warned = sum(status.startswith(WARNING) for status in statuses)
    good = warned + statuses.count(OK)
    return Counts(good, warned, len(statuses) - good)


def _write(output: Path, columns: Sequence[str], rows: Iterable[dict[str, str]]) -> None:
    """The table, whole or not at all."""
    draft = output.with_name(f"{output.name}.{os.getpid()}.part")
    with draft.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(draft, output)


def _rows(predictors: Sequence[Predictor], spans: Sequence[Span]) -> Iterator[tuple[Span, dict[str, str]]]:
    """One row a span, predicted together."""
    heard = [hear([predictor.front_end for predictor in predictors], span) for span in spans]
    readable = [one for one in heard if one.inputs]
    told: dict[Span, dict[str, float | str]] = {one.span: {} for one in readable}
    for number, predictor in enumerate(predictors if readable else ()):
        values = predictor.predict_inputs([one.inputs[number] for one in readable])
        for one, value in zip(readable, values, strict=True):
            told[one.span] |= value
    for one in heard:
        values_of_span = told.get(one.span, {})
        numbers = all(isinstance(value, str) or math.isfinite(value) for value in values_of_span.values())
        yield (
            one.span,
            {
                "file": _shown(one.span.path),
                "start_s": f"{one.span.start_seconds:.3f}",
                "duration_s": f"{one.seconds:.3f}" if one.inputs else "",
                "status": _status(one, values_of_span) if numbers else NO_NUMBER,
                DIGEST: one.digest,
                **({name: _cell(value) for name, value in values_of_span.items()} if numbers else {}),
            },
        )


def _status(heard: Heard, values: dict[str, float | str]) -> str:
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


def _cell(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.6f}"


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
            digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:8]


def _key(span: Span) -> tuple[str, str]:
    return _shown(span.path), f"{span.start_seconds:.3f}"


def _same(span: Span, digest: str) -> bool:
    """Whether a recording still holds what it held."""
    try:
        return content_digest(span.path) == digest
    except OSError:
        return False


def _known_rows(part: Path, columns: Sequence[str]) -> dict[tuple[str, str], dict[str, str]]:
    """What an interrupted prediction did well; files it could not read are tried again, and so is a torn last row."""
    if not part.exists():
        return {}
    with part.open(newline="", encoding="utf-8", errors="replace") as file:
        rows = [row for row in csv.DictReader(file) if list(row) == list(columns) and None not in row.values()]
    return {
        (row["file"], row.get("start_s", "0.000")): row
        for row in rows
        if row["status"] == OK or row["status"].startswith(WARNING)
    }
