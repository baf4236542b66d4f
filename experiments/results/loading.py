"""A trained model and its front end, from a checkpoint of ours, a run's directory, or an authors' file."""

import errno
import math
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from datamodules.errors import DataError, UserError, is_out_of_memory
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
    try:
        return _tried(_predictor_of(content, path, norm_terms))
    except Exception as error:  # what is in a file may be anything, and so is what our classes make of it
        if isinstance(error, UserError) or is_out_of_memory(error):
            raise
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(
            f"{path}: does not fit this version of emocluster ({reason}); use the version that made it, or train anew."
        ) from error


def _predictor_of(content: dict[str, Any], path: Path, norm_terms: Path | None) -> Predictor:
    """Raises whatever our classes raise of what is in the file."""
    if is_released(content):
        return Predictor(*load_released(content, path, norm_terms))
    try:
        class_path, described = content["model_class"], content["ChunkDataModule"]["front_end"]
        arguments, weights = content["hyper_parameters"], content["state_dict"]
    except (KeyError, TypeError) as error:
        raise DataError(
            f"{path}: not a checkpoint of emocluster's, it lacks {error}; give a run's best.ckpt."
        ) from error
    front_end = FrontEnd.from_dict(described)
    model = _model_class(class_path, path)(**arguments)
    model.load_state_dict(weights)
    return Predictor(model, front_end)


def _tried(predictor: Predictor) -> Predictor:
    """Ready, and known to tell numbers of a moment of silence; that costs a tenth of a second."""
    model = predictor.model.eval().to(memory_format=torch.channels_last)
    silence = np.zeros(predictor.front_end.features.min_samples, np.float32)
    if not all(isinstance(one, str) or math.isfinite(one) for one in predictor.predict_samples(silence).values()):
        raise ValueError("its weights give NaN or infinity")
    return replace(predictor, model=model)


def files_read(paths: Iterable[Path], norm_terms: Path | None) -> list[Path]:
    """The files that these models are read from, so that nothing is written over them."""
    found: list[Path] = []
    for path in paths:
        found.append(path / "checkpoints" / "best.ckpt" if path.is_dir() else path)
        terms = norm_terms or path.parent / NORM_TERMS
        found += sorted(terms.glob("*.mat")) if terms.is_dir() else []
    return found


def read_checkpoint(path: Path, belongs: str | None = None) -> dict[str, Any]:
    """The content of a checkpoint. Only plain data and tensors are ever loaded, never code.

    belongs: the hash of the run whose it must be, where that matters. Raises DataError for what is no checkpoint,
    damaged, another run's, or nobody's.
    """
    regular(path)
    _compare_sums(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises half a dozen kinds for a file that is not a checkpoint
        if is_out_of_memory(error):
            raise
        raise DataError(
            f"{path}: cannot be read as a checkpoint ({type(error).__name__}); take another one, "
            "or train anew with overwrite=true."
        ) from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds a {type(content).__name__}, not a checkpoint; give a run's best.ckpt.")
    run = content.get("run")
    if belongs is not None and not str(run).endswith(belongs):
        whose = f"of the run {run}" if run else "that does not say of which run"
        raise DataError(
            f"{path}: is a checkpoint {whose}, and not known to be of this one; put this run's "
            "own there, or train it anew with overwrite=true."
        )
    return content


def _compare_sums(path: Path) -> None:
    """PyTorch keeps a checksum of every part of its archive, and does not look at it."""
    if not zipfile.is_zipfile(path):  # the authors' are older than the archive; whatever else, torch.load tells of
        return
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except OSError as error:
        if error.errno != errno.EINVAL:  # which a place before the file's beginning is
            raise
        damaged = "its table of contents"
    except Exception as error:  # as many kinds for an archive that is none
        if is_out_of_memory(error):
            raise
        damaged = str(error) or type(error).__name__
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
