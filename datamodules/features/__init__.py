"""Mel features: the settings, the extractor, and its backends."""

from datamodules.features.extractor import Extractor, make_extractor
from datamodules.features.settings import BACKENDS, FeatureSettings

__all__ = ["BACKENDS", "Extractor", "FeatureSettings", "make_extractor"]
