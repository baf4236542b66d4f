"""What the data of a run are, in a few digits: the files that were read, and the sets that were made of them."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from datamodules.corpus import Corpus
from datamodules.sentence_set import SentenceSet


def data_fingerprint(corpus: Corpus, pool: Corpus | None) -> str:
    """SHA-256 of what the data are: names, versions, names and sizes of the files, and the label table.

    The same for a copy of the data elsewhere.
    """
    digest = hashlib.sha256()
    for part in (corpus, pool):
        if part is not None:
            sizes = {path: _size(part.root / path) for path in part.table["path"].unique()}
            columns = part.table[["utterance_id", "path"]].itertuples(index=False, name=None)
            files = sorted((name, sizes[path]) for name, path in columns)
            digest.update(json.dumps([part.name, part.version, part.label_digest, files]).encode())
    return digest.hexdigest()


def sets_digest(sets: Mapping[str, SentenceSet]) -> str:
    """Eight hexadecimal digits of the sentences of every set and of their lengths."""
    digest = hashlib.sha256()
    for name, one in sorted(sets.items()):
        digest.update(f"{name} {one.table['utterance_id'].tolist()} {one.lengths.tolist()}".encode())
    return digest.hexdigest()[:8]


def _size(path: Path) -> int:
    """Bytes; -1 for a file that is not there, which the preparation tells."""
    try:
        return path.stat().st_size
    except OSError:
        return -1
