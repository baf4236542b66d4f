"""The DeepEmoCluster authors' trained models (github.com/winston-lin-wei-cheng/DeepEmoClusters, MIT), as ours."""

import re
from pathlib import Path
from typing import Any

import torch
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from datamodules.chunking import ChunkSettings
from datamodules.errors import DataError
from datamodules.features.settings import FeatureSettings
from datamodules.front_end import FrontEnd
from sermodels.deep_emocluster import DeepEmoCluster

ATTRIBUTE_OF_SUFFIX = {"Act": "arousal", "Dom": "dominance", "Val": "valence"}
LAYERS_PER_BLOCK = 3  # convolution, batch norm, ReLU: the authors number them through
NORM_TERMS = "NormTerm"


def is_released(content: dict[str, Any]) -> bool:
    """Whether a checkpoint's content has the authors' key names."""
    return "top_layer_attri.weight" in content.get("state_dict", {})


def load_released(content: dict[str, Any], path: Path, norm_terms: Path | None) -> tuple[DeepEmoCluster, FrontEnd]:
    """The authors' weights in our model, and their features, chunks and normalisation terms.

    The attribute is the last word of the file's name (…_Act.pth.tar), as it is not in the file.
    Raises DataError when the name does not tell it, or weights or norm terms are missing.
    """
    named = re.search(r"_(Act|Dom|Val)(?:\.pth)?(?:\.tar)?$", path.name)
    if named is None:
        raise DataError(f"{path}: the name must end in _Act, _Dom or _Val to tell the attribute; rename the file.")
    attribute = ATTRIBUTE_OF_SUFFIX[named[1]]
    terms = norm_terms or path.parent / NORM_TERMS
    short = named[1].lower()
    weights = {_our_name(name): value for name, value in content["state_dict"].items()}
    model = DeepEmoCluster(
        num_clusters=len(weights["cluster_classifier.top.bias"]),
        task={
            "_target_": "sermodels.tasks.attributes.Attributes",
            "attribute": attribute,
            "scale": {
                attribute: {"mean": _scalar(terms, f"{short}_norm_means"), "std": _scalar(terms, f"{short}_norm_stds")}
            },
        },
        embedding="classifier_hidden",
    )
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise DataError(
            f"{path}: its weights do not fit the authors' VGG-16; is it a model of v1.6? {error}"
        ) from error
    front_end = FrontEnd(
        features=FeatureSettings(),
        chunks=ChunkSettings(),
        mean=_term(terms, "feat_norm_means"),
        std=_term(terms, "feat_norm_stds"),
    )
    return model, front_end


def _our_name(name: str) -> str:
    """The authors' parameter names: `cnn_features.module.4.weight` is block 1's batch norm."""
    name = name.replace(".module", "")
    if match := re.fullmatch(r"cnn_features\.(\d+)\.(\w+)", name):
        block, layer = divmod(int(match[1]), LAYERS_PER_BLOCK)
        return f"encoder.blocks.{block}.{layer}.{match[2]}"
    for theirs, ours in (
        ("cnn_out.0", "encoder.output.0"),
        ("classifier.0", "cluster_classifier.hidden"),
        ("top_layer_class", "cluster_classifier.top"),
        ("emo_regressor.0", "emotion_regressor.hidden"),
        ("top_layer_attri", "emotion_regressor.top"),
    ):
        if name.startswith(theirs + "."):
            return ours + name[len(theirs) :]
    return name


def _scalar(folder: Path, name: str) -> float:
    return float(_term(folder, name))


def _term(folder: Path, name: str) -> torch.Tensor:
    """One of the authors' .mat files, flat."""
    path = folder / f"{name}.mat"
    if not path.exists():
        raise DataError(f"{path}: no such file; give the folder of the authors' norm terms with --norm-terms.")
    try:
        return torch.from_numpy(loadmat(path)["normal_para"].ravel()).float()
    except (MatReadError, ValueError, KeyError) as error:
        raise DataError(f"{path}: cannot be read as norm terms ({error}); fetch the file again.") from error
