"""A corpus's table with labels of every kind, for tests of tasks."""

import numpy as np
import pandas as pd

from datamodules.labels import ATTRIBUTES


def sentences(emotions=(), **columns):
    """A corpus's table of as many sentences as there are values; ratings of 1 to 7 where none are given."""
    count = len(emotions) or len(next(iter(columns.values())))
    ratings = np.random.default_rng(0).uniform(1, 7, (3, count)).astype(float)
    table = pd.DataFrame(
        {
            "utterance_id": [f"u{i}" for i in range(count)],
            "speaker": [str(i % 3) for i in range(count)],
            "emotion": list(emotions) or "",
            **dict(zip(ATTRIBUTES, ratings, strict=True)),
        }
    )
    return table.assign(**columns)
