"""Which sentences and speakers of a corpus have taught a model before it is judged by them."""

from collections.abc import Sequence

import pandas as pd

from datamodules.batch import LABELED
from datamodules.corpus import Corpus
from datamodules.feature_store import FeatureStore
from datamodules.labels import NOBODY


def known_before(
    taught: pd.DataFrame | None, on: str | None, corpus: Corpus, store: FeatureStore, splits: Sequence[str], whom: str
) -> list[str]:
    """A note for every set with recordings or, of the same corpus, speakers that taught a model.

    taught: see RunResult.training_set; None where nobody knows. on: their corpus. whom: was taught, in words.
    """
    if taught is None:
        return []
    speakers = set(taught.loc[taught["set"] == LABELED, "speaker"]) - set(NOBODY) if corpus.name == on else set()
    notes = []
    for split in splits:
        rows = corpus.rows(split)
        heard = int(store.rows(rows["utterance_id"])["digest"].isin(set(taught["digest"])).sum())
        if heard:
            notes.append(f"{heard} of {len(rows)} sentences of {split} trained {whom}")
        known = rows[rows["speaker"].isin(speakers)]
        if len(known):
            notes.append(
                f"{len(known)} of {len(rows)} sentences of {split} are of {known['speaker'].nunique()} speakers who "
                f"trained {whom}"
            )
    return notes
