"""Arousal, dominance, valence of audio: `python -m experiments.predict --checkpoint PATH --output preds.csv FOLDER`."""

import argparse
import csv
import hashlib
import os
import sys
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
        models = [load_trained(path, options.norm_terms) for path in options.checkpoint]
        good, bad = predict_to_csv(models, options.checkpoint, find_audio(options.audio), options.output)
        print(f"{good} files predicted, {bad} could not be read (see the column status): {options.output}")
        if not good:
            sys.exit(EXIT_USER_ERROR)


def predict_to_csv(
    models: Sequence[TrainedModel], checkpoints: Sequence[Path], files: Sequence[Path], output: Path
) -> tuple[int, int]:
    """Write file, the models' attributes, duration_s, status; (files predicted, files that could not be read).

    Rows go into a `.part` file beside `output`; the same command after an interruption goes on with it.
    """
    attributes = _attributes(models)
    columns = ["file", *attributes, "duration_s", "status"]
    output.parent.mkdir(parents=True, exist_ok=True)
    part = output.with_name(f"{output.name}.{_digest(checkpoints)}.part")
    counts = {True: 0, False: 0}
    known = _known_rows(part, columns)
    for row in known.values():
        counts[row["status"] == "ok"] += 1
    left = [file for file in files if str(file) not in known]
    with part.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(known.values())
        batches = [left[start : start + FILES_AT_ONCE] for start in range(0, len(left), FILES_AT_ONCE)]
        shown = Console(stderr=True)
        for batch in track(batches, "predicting", console=shown, disable=not shown.is_terminal):
            for row in _rows(models, batch):
                writer.writerow(row)
                counts[row["status"] == "ok"] += 1
            file.flush()
    os.replace(part, output)
    return counts[True], counts[False]


def _rows(models: Sequence[TrainedModel], files: Sequence[Path]) -> Iterator[dict[str, str]]:
    """One row a file, predicted together."""
    heard = [_hear(models, path) for path in files]
    readable = [one for one in heard if one.inputs]
    predictions: dict[Path, dict[str, str]] = {one.path: {} for one in readable}
    for number, trained in enumerate(models):
        if not readable:
            break
        with torch.no_grad():
            values = trained.model(torch.stack([one.inputs[number] for one in readable]))
        for column, name in enumerate(trained.model.attributes):
            scaled = values[:, column] * trained.front_end.label_std[name] + trained.front_end.label_mean[name]
            for one, value in zip(readable, scaled.tolist(), strict=True):
                predictions[one.path][name] = f"{value:.6f}"
    for one in heard:
        duration = f"{one.seconds:.3f}" if one.inputs else ""
        yield {
            "file": str(one.path),
            "duration_s": duration,
            "status": one.status,
            **predictions.get(one.path, {}),
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
    return Heard(path, inputs, seconds, "ok")


def _attributes(models: Sequence[TrainedModel]) -> list[str]:
    """The attributes of all models in their usual order. Raises DataError when two models give the same one."""
    named = [name for trained in models for name in trained.model.attributes]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise DataError(f"{' and '.join(twice)} would come from more than one checkpoint; give one for each attribute.")
    return [name for name in ATTRIBUTES if name in named]


def _digest(checkpoints: Sequence[Path]) -> str:
    """Names the models of a `.part` file, so that rows of other models are never taken for these."""
    states = [(str(path.resolve()), path.stat().st_mtime_ns) for path in checkpoints]
    return hashlib.sha256(repr(states).encode()).hexdigest()[:8]


def _known_rows(part: Path, columns: Sequence[str]) -> dict[str, dict[str, str]]:
    """Whole rows of an interrupted prediction."""
    if not part.exists():
        return {}
    with part.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if list(row) == list(columns) and None not in row.values()]
    return {row["file"]: row for row in rows}


if __name__ == "__main__":
    main()
