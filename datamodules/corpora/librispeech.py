"""LibriSpeech (Panayotov et al. 2015) as an unlabelled pool."""

import re
from dataclasses import replace
from pathlib import Path

from datamodules.corpora.folder import read_pool as read_folder
from datamodules.corpus import Corpus
from datamodules.reading.directories import require_folder

# <subset>/<speaker>/<chapter>/<speaker>-<chapter>-<utterance>.flac
NAME = re.compile(r"[^/]+/(?P<speaker>\d+)/(?P<chapter>\d+)/(?P=speaker)-(?P=chapter)-\d+\.flac")


def read_pool(folder: str | Path | None, max_seconds: float = 11.0, scan_cache: Path | None = None) -> Corpus | None:
    """The utterances of a `LibriSpeech` folder (`folder` is it or holds it) with their speakers; other files
    are left alone.

    Long utterances are cut as `datamodules.corpora.folder.read_pool` cuts them, and the same DataErrors are
    raised.
    """
    if folder is None:
        return None
    root = require_folder(folder, "data.unlabeled_dir")
    if (root / "LibriSpeech").is_dir():  # the archives unpack into a folder of this name
        root = root / "LibriSpeech"
    pool = read_folder(
        root, "librispeech", max_seconds, scan_cache, wanted=lambda name: NAME.fullmatch(name) is not None
    )
    assert pool is not None
    named = pool.table["path"].str.extract(NAME.pattern)
    chapter = named["speaker"] + "-" + named["chapter"]
    return replace(pool, table=pool.table.assign(speaker=named["speaker"], recording=chapter))
