"""A trained model and its front end, from a checkpoint of ours, a run's directory, or an authors' file."""

import errno
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from datamodules.errors import DataError, UserError
from datamodules.front_end import FrontEnd
from datamodules.named import named
from datamodules.whole_files import regular
from experiments.results.released import NORM_TERMS, is_released, load_released
from experiments.results.run_result import RunResult, run_hash
from experiments.results.trained_model import Predictor
from sermodels.module import EmotionModule


def load_predictor(path: Path | str, norm_terms: Path | str | None = None) -> Predictor:
    """Load `path`: a run directory (its best model), a .ckpt of ours, or an authors' .pth.tar.

    norm_terms: folder of the authors' normalisation terms; by default `NormTerm` beside their file.
    Raises DataError when there is no model or it cannot be read.

    In a notebook: `load_predictor("runs/temp_trans-…").predict_file("call.wav")`.
    """
    path, norm_terms = Path(path), Path(norm_terms) if norm_terms else None
    belongs = None
    if path.is_dir():
        belongs = run_hash(RunResult(path).outcome) if (path / "outcome.json").exists() else None
        if not (path / "checkpoints" / "best.ckpt").exists():
            raise DataError(f"{path}: no checkpoints/best.ckpt in this folder; give a run's directory or a checkpoint.")
        path = path / "checkpoints" / "best.ckpt"
    if not path.exists():
        raise DataError(f"{path}: no such checkpoint; give a run's directory, a .ckpt or an authors' .pth.tar.")
    content = read_checkpoint(path, belongs)
    if is_released(content):
        released, front_end = load_released(content, path, norm_terms)
        return Predictor(_ready(released), front_end)
    try:
        class_path, described = content["model_class"], content["ChunkDataModule"]["front_end"]
        arguments, weights = content["hyper_parameters"], content["state_dict"]
    except (KeyError, TypeError) as error:
        raise DataError(
            f"{path}: not a checkpoint of emocluster's, it lacks {error}; give a run's best.ckpt."
        ) from error
    try:
        front_end = FrontEnd.from_dict(described)
        _refuse_other_shapes(arguments, front_end)
        model = _model_class(class_path, path)(**arguments)
        model.load_state_dict(weights)
    except (UserError, MemoryError):
        raise
    except Exception as error:  # what is in a file may be anything, and so is what our classes make of it
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(
            f"{path}: does not fit this version of emocluster ({reason}); use the version that made it, or train anew."
        ) from error
    return Predictor(_ready(model), front_end)


def _refuse_other_shapes(arguments: Mapping[str, Any], front_end: FrontEnd) -> None:
    """Raise ValueError for a model of other chunks than its front end cuts."""
    features = front_end.features
    cut = {"num_frames": front_end.chunks.window_frames(features), "num_mels": features.num_bins}
    for name, size in cut.items():
        if arguments.get(name, size) != size:
            raise ValueError(f"its model has {name}={arguments[name]} and its features have {size}")


def files_read(paths: Iterable[Path], norm_terms: Path | None) -> list[Path]:
    """The files that these models are read from, so that nothing is written over them."""
    found: list[Path] = []
    for path in paths:
        found.append(path / "checkpoints" / "best.ckpt" if path.is_dir() else path)
        terms = norm_terms or path.parent / NORM_TERMS
        found += sorted(terms.glob("*.mat")) if terms.is_dir() else []
    return found


def _ready(model: EmotionModule) -> EmotionModule:
    return model.eval().to(memory_format=torch.channels_last)


def read_checkpoint(path: Path, belongs: str | None = None) -> dict[str, Any]:
    """The content of a checkpoint. Only plain data and tensors are ever loaded, never code.

    belongs: the hash of the run whose it must be, where that matters and the checkpoint says whose it is. Raises
    DataError for what is no checkpoint, damaged, or another run's.
    """
    regular(path)
    _compare_sums(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises half a dozen kinds for a file that is not a checkpoint
        raise DataError(
            f"{path}: cannot be read as a checkpoint ({type(error).__name__}); take another one, "
            "or train anew with overwrite=true."
        ) from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds a {type(content).__name__}, not a checkpoint; give a run's best.ckpt.")
    run = str(content.get("run", belongs))
    if belongs is not None and not run.endswith(belongs):
        raise DataError(
            f"{path}: is a checkpoint of the run {run}, not of this one; put this run's own there, or train it anew "
            "with overwrite=true."
        )
    return content


def _compare_sums(path: Path) -> None:
    """PyTorch keeps a checksum of every part of its archive, and does not look at it."""
    if not zipfile.is_zipfile(path):  # the authors' are older than the archive; whatever else, torch.load tells of
        return
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, NotImplementedError) as error:
        damaged = str(error)
    except OSError as error:
        if error.errno != errno.EINVAL:  # which a place before the file's beginning is
            raise
        damaged = "its table of contents"
    if damaged:
        raise DataError(
            f"{path}: is damaged ({damaged} is not what was written); take a copy of it, or train anew with "
            "overwrite=true."
        )


def _model_class(class_path: str, path: Path) -> type[EmotionModule]:
    try:
        found: type[EmotionModule] = named(class_path, "sermodels")
    except ValueError as error:
        raise DataError(f"{path}: its model: {error}; use the program, or the version of it, that made it.") from error
    if not (isinstance(found, type) and issubclass(found, EmotionModule)):
        raise DataError(f"{path}: its model {class_path} is no model; use the program that made it.")
    return found
