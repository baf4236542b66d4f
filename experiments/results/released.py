"""The DeepEmoCluster authors' trained models (github.com/winston-lin-wei-cheng, MIT), as ours."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from datamodules.chunking import ChunkSettings
from datamodules.errors import DataError
from datamodules.features.settings import FeatureSettings
from datamodules.front_end import FrontEnd
from datamodules.whole_files import regular
from experiments.results.mat_file import read_matrix
from sermodels.deep_emocluster import DeepEmoCluster
from sermodels.parts import Part
from sermodels.temp_cnn import TempCNN
from sermodels.temp_gru import TempGRU
from sermodels.temp_trans import TempTrans
from sermodels.temp_triplet import TempTriplet

ATTRIBUTES_BY_WORD = {"Act": "arousal", "Dom": "dominance", "Val": "valence"}
ATTRIBUTE_IN_NAME = re.compile(r"_(Act|Dom|Val)(?=[_.]|$)")
MODEL_IN_NAME = re.compile(r"_Temp-([A-Za-z]+)(?=[_.]|$)")
LAYERS_PER_BLOCK = 3  # convolution, batch norm, ReLU: the authors number them through
NORM_TERMS = "NormTerm"
RENAMED = (
    ("cnn_out.0", "encoder.output.0"),
    ("classifier.0", "cluster_classifier.hidden"),
    ("top_layer_class", "cluster_classifier.top"),
    ("emo_regressor.0", "emotion_regressor.hidden"),
    ("top_layer_attri", "emotion_regressor.top"),
)


def is_released(content: dict[str, Any]) -> bool:
    """Whether a checkpoint's content has the authors' key names."""
    state = content.get("state_dict")
    return isinstance(state, dict) and "top_layer_attri.weight" in state


def load_released(content: dict[str, Any], path: Path, norm_terms: Path | None) -> tuple[DeepEmoCluster, FrontEnd]:
    """The authors' weights in our model, and their features, chunks and normalisation terms.

    Both families: DeepEmoCluster (MSP-Podcast 1.6) and Temp-GRU, -CNN, -Trans and -Triplet (1.8). The attribute and the
    model are words of the file's name, as in …_Act_Temp-CNN.pth.tar, because they are not in the file; which temporal
    net there is, the weights tell too.
    Raises DataError when the name does not tell the attribute, contradicts the weights, or these do not fit.
    """
    words = ATTRIBUTE_IN_NAME.findall(path.name)
    if not words:
        raise DataError(
            f"{path}: the name must hold _Act, _Dom or _Val, as in …_Act.pth.tar, to tell the attribute; "
            "give the file its authors' name."
        )
    word = words[-1]
    state = {name.replace(".module", ""): value for name, value in content["state_dict"].items()}
    try:
        kind, temporal_net = _architecture(state, path)
    except (KeyError, TypeError) as error:
        raise DataError(f"{path}: its weights lack {error}; fetch the authors' file again.") from error
    terms = norm_terms or path.parent / NORM_TERMS
    short, attribute = word.lower(), ATTRIBUTES_BY_WORD[word]
    scale = {"mean": _scalar(terms, f"{short}_norm_means"), "std": _scalar(terms, f"{short}_norm_stds")}
    try:
        model = kind(
            num_clusters=len(state["top_layer_class.bias"]),
            task={
                "_target_": "sermodels.tasks.attributes.Attributes",
                "attribute": attribute,
                "scale": {attribute: scale},
            },
            encoder={
                "_target_": "sermodels.encoders.vgg.VGG16",
                "dropout": 0.0 if kind is TempTriplet else 0.5,
            },
            temporal_net=temporal_net,
            embedding="classifier_hidden",
        )
        model.load_state_dict({_our_name(name): value for name, value in state.items()})
    except (RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: its weights do not fit the authors' {kind.__name__} ({error}).") from error
    features = FeatureSettings()
    mean, std = (norm_term(terms, f"feat_norm_{name}", features.num_bins) for name in ("means", "stds"))
    front_end = FrontEnd(features=features, chunks=ChunkSettings(), mean=mean, std=std)
    return model, front_end


def _architecture(state: Mapping[str, torch.Tensor], path: Path) -> tuple[type[DeepEmoCluster], Part | None]:
    """The class, and its temporal net where the released one differs from the paper's. Raises DataError."""
    by_weights = _by_weights(state)
    found = MODEL_IN_NAME.findall(path.name)
    named = found[-1] if found else by_weights
    if named != by_weights and (named, by_weights) != ("Triplet", None):
        raise DataError(
            f"{path}: its name says Temp-{named} and its weights "
            f"{f'Temp-{by_weights}' if by_weights else 'have no temporal net'}; give the file its authors' name."
        )
    if named == "GRU":
        return TempGRU, None
    if named == "Trans":
        return TempTrans, {
            "_target_": "sermodels.temporal_nets.transformer.TemporalTransformer",
            "position_dropout": 0.0,
        }
    if named == "CNN":
        channels, output_channels = (len(state[f"temporal_net.{layer}.bias"]) for layer in (0, LAYERS_PER_BLOCK))
        return TempCNN, {
            "_target_": "sermodels.temporal_nets.cnn.TemporalCNN",
            "channels": channels,
            "output_channels": output_channels,
        }
    return (TempTriplet if named == "Triplet" else DeepEmoCluster), None


def _by_weights(state: Mapping[str, torch.Tensor]) -> str | None:
    """The temporal net whose weights there are; None for the vanilla model and Temp-Triplet, which have none."""
    for name, one in (("weight_ih_l0", "GRU"), ("self_attn.in_proj_weight", "Trans"), ("0.weight", "CNN")):
        if f"temporal_net.{name}" in state:
            return one
    return None


def _our_name(name: str) -> str:
    """The authors' parameter names: `cnn_features.4.weight` is block 1's batch norm."""
    if match := re.fullmatch(r"cnn_features\.(\d+)\.(\w+)", name):
        block, layer = divmod(int(match[1]), LAYERS_PER_BLOCK)
        return f"encoder.blocks.{block}.{layer}.{match[2]}"
    if match := re.fullmatch(r"temporal_net\.(\d+)\.(\w+)", name):
        block, layer = divmod(int(match[1]), LAYERS_PER_BLOCK)
        return f"temporal_net.blocks.{block}.{layer}.{match[2]}"
    if name.startswith("temporal_net."):
        return name.replace("temporal_net.", "temporal_net.layer.", 1)
    for theirs, ours in RENAMED:
        if name.startswith(theirs + "."):
            return ours + name[len(theirs) :]
    return name


def _scalar(folder: Path, name: str) -> float:
    return float(norm_term(folder, name, 1))


def norm_term(folder: Path, name: str, size: int) -> torch.Tensor:
    """One of the authors' .mat files, (size,) float32. Raises DataError for what is none."""
    path = folder / f"{name}.mat"
    if not path.exists():
        raise DataError(f"{path}: no such file; give the folder of the authors' norm terms with --norm-terms.")
    try:
        values = read_matrix(regular(path).read_bytes(), "normal_para")
    except ValueError as error:
        raise DataError(f"{path}: cannot be read as norm terms ({error}); fetch the file again.") from error
    with np.errstate(over="ignore"):
        numbers = values.ravel().astype(np.float32)
    if len(numbers) != size or not np.isfinite(numbers).all():
        raise DataError(
            f"{path}: holds {values.dtype} of shape {values.shape} and not {size} finite numbers; fetch the file again."
        )
    return torch.from_numpy(numbers)
