"""Arousal, dominance, valence of audio: `python -m experiments.predict --checkpoint PATH --output preds.csv FOLDER`."""

import argparse
import csv
import hashlib
import math
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from datamodules.audio import read_audio
from datamodules.corpora.corpus import ATTRIBUTES
from datamodules.errors import DataError
from experiments.audio_files import find_audio
from experiments.console import EXIT_USER_ERROR, user_errors
from experiments.loading import TrainedModel, load_trained
from experiments.logs import log_to_console
from experiments.memory import keep_freed_memory

OK = "ok"
NO_NUMBER = "the prediction is NaN or infinite: the model's training has diverged, or the recording is far too loud"
FILES_AT_ONCE = 16  # about 176 chunks, a size that a CPU runs fast


class Heard(NamedTuple):
    """A file that was read: one input for every model, or the reason why there is none."""

    path: Path
    inputs: list[Tensor]
    seconds: float
    status: str


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m experiments.predict", description=__doc__)
    parser.add_argument(
        "--checkpoint",
        type=Path,
        action="append",
        required=True,
        help="a .ckpt, a run's directory, or an authors' .pth.tar; give one for every attribute",
    )
    parser.add_argument(
        "--norm-terms",
        type=Path,
        help="folder of the authors' norm terms (default: NormTerm beside their file)",
    )
    parser.add_argument("--output", type=Path, required=True, help="the CSV to write")
    parser.add_argument("audio", type=Path, nargs="+", metavar="AUDIO_OR_FOLDER")
    options = parser.parse_args(arguments)
    log_to_console()
    keep_freed_memory()
    with user_errors():
        files = find_audio(options.audio)
        check_writable(options.output)
        models = [load_trained(path, options.norm_terms) for path in options.checkpoint]
        good, bad = predict_to_csv(models, files, options.output)
        print(f"{good} files predicted, {bad} not (see the column status): {options.output}")
        if not good:
            sys.exit(EXIT_USER_ERROR)


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


def predict_to_csv(models: Sequence[TrainedModel], files: Sequence[Path], output: Path) -> tuple[int, int]:
    """Write file, the models' attributes, duration_s, status; (files predicted, files that were not).

    Rows go into a `.part` file beside `output`, named after the models; the same command after an interruption
    takes from it what it predicted of the same files, and goes on.
    """
    columns = ["file", *_attributes(models), "duration_s", "status"]
    part = output.with_name(f"{output.name}.{_digest(models)}.part")
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
            for row in _rows(models, batch):
                writer.writerow(row)
                good, bad = (good + 1, bad) if row["status"] == OK else (good, bad + 1)
            file.flush()
    os.replace(part, output)
    return good, bad


def _rows(models: Sequence[TrainedModel], files: Sequence[Path]) -> Iterator[dict[str, str]]:
    """One row a file, predicted together."""
    heard = [_hear(models, path) for path in files]
    readable = [one for one in heard if one.inputs]
    predictions: dict[Path, dict[str, float]] = {one.path: {} for one in readable}
    for number, trained in enumerate(models):
        if not readable:
            break
        with torch.no_grad():
            values = trained.model(torch.stack([one.inputs[number] for one in readable]))
        for column, name in enumerate(trained.model.attributes):
            scaled = values[:, column] * trained.front_end.label_std[name] + trained.front_end.label_mean[name]
            for one, value in zip(readable, scaled.tolist(), strict=True):
                predictions[one.path][name] = value
    for one in heard:
        values_of_file = predictions.get(one.path, {})
        numbers = all(map(math.isfinite, values_of_file.values()))
        yield {
            "file": _shown(one.path),
            "duration_s": f"{one.seconds:.3f}" if one.inputs else "",
            "status": one.status if numbers else NO_NUMBER,
            **({name: f"{value:.6f}" for name, value in values_of_file.items()} if numbers else {}),
        }


def _hear(models: Sequence[TrainedModel], path: Path) -> Heard:
    """Read a file once and make every model's input of it."""
    inputs: list[Tensor] = []
    seconds = 0.0
    try:
        for trained in models:
            settings = trained.front_end.features
            audio = read_audio(path, settings.sample_rate, min_samples=settings.min_samples)
            seconds = audio.seconds
            inputs.append(trained.front_end.chunks_of(audio.samples))
    except DataError as error:
        return Heard(path, [], 0.0, str(error))
    return Heard(path, inputs, seconds, OK)


def _attributes(models: Sequence[TrainedModel]) -> list[str]:
    """The attributes of all models in their usual order. Raises DataError when two models give the same one."""
    named = [name for trained in models for name in trained.model.attributes]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise DataError(f"{' and '.join(twice)} would come from more than one checkpoint; give one for each attribute.")
    return [name for name in ATTRIBUTES if name in named]


def _shown(path: Path) -> str:
    """A file's name as the CSV has it; bytes that are not UTF-8 as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _digest(models: Sequence[TrainedModel]) -> str:
    """Names the models in a `.part` file, so that rows of other models are never taken for theirs."""
    digest = hashlib.sha256()
    for trained in models:
        digest.update(repr(trained.front_end.to_dict()).encode())
        for value in trained.model.state_dict().values():
            digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()[:8]


def _known_rows(part: Path, columns: Sequence[str]) -> dict[str, dict[str, str]]:
    """What an interrupted prediction did well; files it could not read are tried again, and so is a torn last row."""
    if not part.exists():
        return {}
    with part.open(newline="", encoding="utf-8", errors="replace") as file:
        return {row["file"]: row for row in csv.DictReader(file) if list(row) == list(columns) and row["status"] == OK}


if __name__ == "__main__":
    main()
