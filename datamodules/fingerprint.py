"""What the data of a run are, in a few digits: the files that are read, and the sets that are made of them."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from datamodules.corpus import Corpus
from datamodules.feature_store import FeatureStore
from datamodules.sentence_set import SentenceSet


def data_fingerprint(parts: Sequence[tuple[Corpus, FeatureStore]]) -> str:
    """SHA-256 of what prepared corpora are: names, versions, label tables, and the content of every file.

    The content comes from the stores, which keep it beside each file's size and time, so no file is read again. The
    same for a copy of the data elsewhere; another for recordings that were processed and kept their names and sizes.
    """
    digest = hashlib.sha256()
    for corpus, store in parts:
        rows = store.rows(corpus.table["utterance_id"])
        columns = (rows.index, rows["digest"], rows["start_sample"], rows["stop_sample"])
        files = sorted((str(name), *map(str, rest)) for name, *rest in zip(*columns, strict=True))
        splits = sorted(zip(corpus.table["utterance_id"], corpus.table["split"], strict=True))
        digest.update(json.dumps([corpus.name, corpus.version, corpus.label_digest, files, splits]).encode())
    return digest.hexdigest()


def sets_digest(sets: Mapping[str, SentenceSet]) -> str:
    """Eight hexadecimal digits of the sentences of every set and of their lengths."""
    digest = hashlib.sha256()
    for name, one in sorted(sets.items()):
        digest.update(f"{name} {one.table['utterance_id'].tolist()} {one.lengths.tolist()}".encode())
    return digest.hexdigest()[:8]
