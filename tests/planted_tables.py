"""Trainings that never were, with effects that are known: what a model told of a test set, drawn at random.

A model follows the truth with a slope; trainings of one model differ in it (`between_seeds`), speakers are told too
high or too low, and every sentence has noise of its own.
"""

import numpy as np

from experiments.report.analysis import Analysis
from experiments.report.comparison import Column, Values
from experiments.report.concordance import Predictions, parts_of
from experiments.report.definition import Scale, Table
from experiments.report.grid import Asked

SPEAKERS, SENTENCES = 30, 8  # of each speaker
SEED_OF_TRUTH = 7
COLUMN = Column("paper", "arousal", "ccc")


def truth() -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Ratings, who speaks, and the sentences' names; the same for every model."""
    rng = np.random.default_rng(SEED_OF_TRUTH)
    speakers = np.repeat([f"speaker {n}" for n in range(SPEAKERS)], SENTENCES)
    return np.clip(rng.normal(4, 1, SPEAKERS * SENTENCES), 1, 7), speakers, [f"{n}.wav" for n in range(len(speakers))]


def training(rng: np.random.Generator, slope: float, between_seeds: float, of_speakers: float = 0.2) -> Predictions:
    """One training of a model."""
    y, speakers, names = truth()
    bias = np.repeat(rng.normal(0, of_speakers, SPEAKERS), SENTENCES)
    told = 4 + (slope + rng.normal(0, between_seeds)) * (y - 4) + bias + rng.normal(0, 0.5, len(y))
    return Predictions(y, told, parts_of(names), speakers.astype(str))


def values(rng: np.random.Generator, slope: float, between_seeds: float = 0.02, trials: int = 5) -> Values:
    """Several trainings of a model."""
    told = [training(rng, slope, between_seeds) for _ in range(trials)]
    return Values([one.ccc for one in told], told)


def table(**more) -> Table:
    """Of four rows: `low`, `also_low`, `high`, and `middle`."""
    rows = {
        "low": {"name": "CNN", "overrides": ["model=cnn_regressor"], "published": [0.3]},
        "also_low": {"name": "AE & more", "overrides": ["model=cnn_ae"], "published": [0.3]},
        "middle": {"name": "γ = 1", "overrides": ["model=temp_triplet"]},
        "high": {"name": "Temp_GRU", "overrides": ["model=temp_gru"], "published": [0.6], "marks": ["*"]},
    }
    whole = {
        "title": "Planted",
        "corpus": "msp_podcast",
        "version": "1.8",
        "attributes": ["arousal"],
        "fidelity": ["paper"],
        "rounds": 30,
        "rows": rows,
        "marks": {"*": {"of": ["high", "middle", "also_low"], "better_than": ["low", "also_low"]}},
        **more,
    }
    return Table.model_validate(whole)


def analysis(
    numbers, version="1.8", scale_name="full", trials=5, others=None, parameters=None, options=(), **more
) -> Analysis:
    """A table of these numbers by row, on MSP-Podcast of that version; `more` is of its yaml."""
    made = table(**more)
    scale = Scale(title="MSP-Podcast", overrides=[], trials=[[]])
    corpus = {"name": "msp_podcast", "version": version, "labels": "human ratings"}
    asked = Asked("planted", made, scale_name, scale, ("paper",), ("arousal",), trials, tuple(options))
    by_column = {(row, COLUMN): one for row, one in numbers.items()}
    return Analysis(asked, by_column, [corpus], others=others or {}, parameters=parameters or {})
