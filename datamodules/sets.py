"""From a corpus and its features to the sets a run reads.

Shapes: S sentences, A label columns.
"""

from collections.abc import Callable, Sequence

import pandas as pd
from torch import Tensor

from datamodules.batch import LABELED, UNLABELED
from datamodules.corpus import Corpus
from datamodules.feature_store import FeatureStore
from datamodules.front_end import FrontEnd
from datamodules.sentence_set import SentenceSet

# What the corpus calls its splits, and what a run calls the sets it makes of them.
SET_OF_SPLIT = {"train": LABELED, "unlabeled": UNLABELED}


def make_sets(
    corpus: Corpus,
    store: FeatureStore,
    front_end: FrontEnd,
    encode: Callable[[pd.DataFrame], Tensor],
    splits: Sequence[str],
) -> dict[str, SentenceSet]:
    """One SentenceSet a split, under the name a run gives it.

    encode: a split's rows -> (S, A) labels as a model learns them, NaN where a sentence has none.

    Raises DataError when an utterance has no features in the store.
    """
    sets = {}
    for split in splits:
        rows = corpus.rows(split)
        offsets, lengths = store.locate(rows["utterance_id"])
        name = SET_OF_SPLIT.get(split, split)
        sets[name] = SentenceSet(
            name=name,
            table=rows,
            frames=store.frames,
            offsets=offsets,
            lengths=lengths,
            labels=encode(rows),
            starts=front_end.chunks.starts(lengths, front_end.features),
            window_frames=front_end.chunks.window_frames(front_end.features),
            sums=store.sums(rows["utterance_id"]),
        )
    return sets


def is_test_set(name: str) -> bool:
    """Whether a set is one of the corpus's test sets.

    >>> [name for name in ("L", "development", "test1", "test2") if is_test_set(name)]
    ['test1', 'test2']
    """
    return name.startswith("test")
