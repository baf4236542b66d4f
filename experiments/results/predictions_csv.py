"""Predictions of many recordings as a CSV that an interruption does not cost; their embeddings and pictures, too."""

import csv
import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import IO, NamedTuple, TypeVar

from rich.console import Console
from rich.progress import track

from datamodules.content import content_digest
from datamodules.errors import DataError
from datamodules.locks import take
from datamodules.names import harmless
from datamodules.whole_files import about, regular, whole_file
from experiments.results.embeddings import write_embeddings
from experiments.results.hearing import Span, spans_of
from experiments.results.predicted import Predicted, Values, shown
from experiments.results.telling import check_alike, output_names, predict_spans
from experiments.results.trained_model import Predictor

T = TypeVar("T")

SPANS_AT_ONCE = 16  # about 176 chunks, a size that a CPU runs fast


class Counts(NamedTuple):
    """How a prediction of many files came out, in recordings or windows."""

    good: int
    """Predicted, with a warning or without."""
    warned: int
    bad: int

    def words(self, what: str, others: int) -> str:
        """For people. what: recordings or windows. others: files that are no audio.

        >>> Counts(3, 1, 0).words("files", 0)
        '3 files predicted (1 with a warning), 0 not (see the column status)'
        """
        warned = f" ({self.warned} with a warning)" if self.warned else ""
        passed_over = f"; {others} files that are no audio were passed over" if others else ""
        return f"{self.good} {what} predicted{warned}, {self.bad} not (see the column status){passed_over}"


@dataclass(frozen=True)
class Wanted:
    """What is told of recordings besides their values."""

    windows: bool = False
    """A recording longer than T_max is cut into equally long parts that are not, each of which is told of; else it is
    one, and its chunks have gaps between them."""
    chunks: bool = False
    """A row of the CSV is a chunk."""
    embeddings: Path | None = None
    """A parquet file to write them into; see write_embeddings."""
    draw: Callable[[Path, Sequence[Predicted]], None] | None = None
    """Called for every recording of which there is a prediction, with its parts."""

    @property
    def of_chunks(self) -> bool:
        """Whether anything needs what is told of single chunks."""
        return self.chunks or self.draw is not None


NOTHING_ELSE = Wanted()


def predict_to_csv(
    predictors: Sequence[Predictor], files: Sequence[Path], output: Path, wanted: Wanted = NOTHING_ELSE
) -> Counts:
    """Write file, what the models tell, duration_s, status (see Predicted); of windows start_s, of chunks end_s, too.

    What is told goes into a `.part` file beside `output`, named after the models; the same command after an
    interruption takes from it what it predicted of recordings that hold the same still, and goes on.

    Raises DataError where models tell the same, where another process is at the same, and where what is wanted is of
    one model and there are several.
    """
    names = output_names(predictors)
    if wanted.of_chunks:
        check_alike(predictors, "--chunks" if wanted.chunks else "--plots")
    if wanted.embeddings and len(predictors) > 1:
        raise DataError("--embeddings: are one model's; give one checkpoint.")
    longest = min(predictor.front_end.chunks.max_seconds for predictor in predictors) if wanted.windows else math.inf
    spans = [span for path in files for span in (spans_of(path, longest) if wanted.windows else [Span(path)])]

    def predict(some: Sequence[Span]) -> list[Predicted]:
        return [*predict_spans(predictors, some, wanted.of_chunks, wanted.embeddings is not None)]

    part = output.with_name(f"{output.name}.{_digest(predictors, wanted)}.part")
    with about(part), regular(part).open("a+", encoding="utf-8", errors="backslashreplace") as file:
        take(file, output)
        known = _known(file)
        found = {span: one for span in spans if (one := known.get(_key(span))) and _same(span, one.digest)}
        # Always the same ones together: in another batch a recording's values have another last digit.
        batches = [spans[start : start + SPANS_AT_ONCE] for start in range(0, len(spans), SPANS_AT_ONCE)]
        for batch in _shown([batch for batch in batches if not found.keys() >= set(batch)], "predicting"):
            left = [span for span in batch if span not in found]
            told = predict(left)
            if len(left) < len(batch) and any(one.good for one in told):  # what cannot be read changes no other
                told = [one for span, one in zip(batch, predict(batch), strict=True) if span in left]
            for span, one in zip(left, told, strict=True):
                file.write(one.line())
                found[span] = one
            file.flush()
    predicted = [found[span] for span in spans]
    if wanted.embeddings:
        write_embeddings(predicted, wanted.embeddings, wanted.windows)
    _write(output, names, wanted, predicted)
    if wanted.draw:
        pairs = [(span, one) for span, one in zip(spans, predicted, strict=True) if one.good]
        recordings = [(path, [one for _, one in parts]) for path, parts in groupby(pairs, lambda pair: pair[0].path)]
        for path, parts in _shown(recordings, "drawing"):
            wanted.draw(path, parts)
    part.unlink(missing_ok=True)
    good, warned = sum(one.good for one in predicted), sum(one.warned for one in predicted)
    return Counts(good, warned, len(predicted) - good)


def _shown(work: Sequence[T], words: str) -> Iterable[T]:
    """The same, with a progress bar where somebody looks."""
    console = Console(stderr=True)
    return track(work, words, console=console, disable=not console.is_terminal)


def _write(output: Path, names: Sequence[str], wanted: Wanted, predicted: Sequence[Predicted]) -> None:
    """The table, whole or not at all."""
    times = ["start_s"] * (wanted.windows or wanted.chunks) + ["end_s"] * wanted.chunks
    with (
        whole_file(output) as draft,
        draft.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file,
    ):
        writer = csv.DictWriter(file, ["file", *times, *names, "duration_s", "status"], extrasaction="ignore")
        writer.writeheader()
        for one in predicted:
            writer.writerows(_rows(one, wanted.chunks))


def _rows(one: Predicted, chunks: bool) -> Iterator[dict[str, str]]:
    """A row, or one a chunk."""
    duration = "" if one.duration is None else f"{one.duration:.3f}"
    every = {
        "file": shown(one.path),
        "start_s": f"{one.start:.3f}",
        "duration_s": duration,
        "status": harmless(one.status),
    }
    if not (chunks and one.chunks):
        yield every | _cells(one.values)
        return
    for chunk in one.chunks:
        yield every | {"start_s": f"{chunk.start:.3f}", "end_s": f"{chunk.end:.3f}"} | _cells(chunk.values)


def _cells(values: Values) -> dict[str, str]:
    return {name: harmless(value) if isinstance(value, str) else f"{value:.6f}" for name, value in values.items()}


def _digest(predictors: Sequence[Predictor], wanted: Wanted) -> str:
    """Names the models, and what is kept of each recording, in a `.part` file: no other's are ever taken for them."""
    digest = hashlib.sha256(repr((wanted.of_chunks, wanted.embeddings is not None)).encode())
    for predictor in predictors:
        digest.update(repr((predictor.front_end.to_dict(), dict(predictor.model.hparams))).encode())
        for value in predictor.model.state_dict().values():
            digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:8]


def _key(span: Span) -> tuple[str, str]:
    return shown(span.path), f"{span.start_seconds:.3f}"


def _same(span: Span, digest: str) -> bool:
    """Whether a recording still holds what it held."""
    try:
        return content_digest(span.path) == digest
    except OSError:
        return False


def _known(file: IO[str]) -> Mapping[tuple[str, str], Predicted]:
    """What an interrupted prediction did well, of its `.part` file; what is added to that begins a line.

    Files it could not read are tried again, and so is a torn last line.
    """
    known = {}
    file.seek(0)
    line = "\n"
    for line in file:
        try:
            one = Predicted.of_line(line)
        except ValueError:  # torn; it is predicted again
            continue
        if one.good:
            known[one.key] = one
    if not line.endswith("\n"):
        file.write("\n")
    return known
