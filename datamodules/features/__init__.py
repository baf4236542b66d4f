"""What models read of audio: mel frames of whole utterances, or spectrograms of their pieces."""

from collections.abc import Mapping
from typing import Any

import datamodules.features.compiled  # noqa: F401  (before librosa is imported)
from datamodules.features.extractor import Extractor, make_extractor
from datamodules.features.pieces import PieceSettings
from datamodules.features.settings import BACKENDS, FeatureSettings

Features = FeatureSettings | PieceSettings
"""The options of either."""

__all__ = ["BACKENDS", "Extractor", "FeatureSettings", "Features", "PieceSettings", "kind_of", "make_extractor"]


def kind_of(options: Mapping[str, Any]) -> type[Features]:
    """Of which the options are, by the option that only pieces have.

    >>> kind_of({"num_mels": 64}).__name__
    'FeatureSettings'
    """
    return PieceSettings if "piece_seconds" in options else FeatureSettings
