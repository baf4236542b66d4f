"""A toy: a flat folder of files named <speaker>_<rating>_<number>.wav. What the smallest reader looks like."""

import hashlib
from pathlib import Path

import pandas as pd

from datamodules.corpus import COLUMNS, Corpus
from datamodules.labels import ATTRIBUTES
from datamodules.reading.directories import entries, require_folder

SPLIT_OF_SPEAKER = {"dev": "development", "test": "test"}


def read(root: str | Path) -> Corpus:
    """The files of `root`; speakers `dev` and `test` develop and test, all others train."""
    root = require_folder(root, "data.root")
    rows = []
    for name in sorted(entry.name for entry in entries(root)):
        speaker, rating, _ = name.removesuffix(".wav").split("_")
        split = SPLIT_OF_SPEAKER.get(speaker, "train")
        rows.append({"utterance_id": name, "path": name, "split": split, "speaker": speaker, "arousal": float(rating)})
    table = pd.DataFrame(rows)
    table = table.assign(gender="", recording="", emotion="", start_sample=0, stop_sample=-1)
    table = table.assign(**{name: table["arousal"] for name in ATTRIBUTES})[list(COLUMNS)]
    digest = hashlib.sha256(table.to_csv(index=False).encode()).hexdigest()
    return Corpus("toy_names", "1", root, "synthetic ratings", table, digest)
