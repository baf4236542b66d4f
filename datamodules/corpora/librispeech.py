"""LibriSpeech (Panayotov et al. 2015): an unlabelled pool, and a corpus for pre-training without labels."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from datamodules.corpora.folder import read_pool as read_folder
from datamodules.corpus import Corpus, sum_up
from datamodules.errors import DataError
from datamodules.reading.directories import require_folder
from datamodules.reading.sources import corpus_folder
from datamodules.reading.tables import lines_of

UNCUT = 1e6  # seconds; no utterance is as long
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


def read(
    root: str | Path,
    subsets: Sequence[str] | None = None,
    development: float = 0.05,
) -> Corpus:
    """The utterances of a `LibriSpeech` folder, whole and without labels, to train and to develop on; no test set.

    subsets: those that train, as train-clean-100; None takes all but dev-clean and dev-other, which develop. Where
    neither of these is there, about the share `development` of the speakers develops: those whose names' digests are
    lowest, so that a speaker's place depends on nobody else; of a few speakers one, at least.

    Raises DataError as `read_pool` does, and for a subset that is not there.
    """
    if not 0 < development < 1:
        raise DataError(f"data.corpus.development={development}: set a share of the speakers between 0 and 1.")
    corpus = read_pool(corpus_folder(root, "librispeech"), UNCUT)
    assert corpus is not None
    table = corpus.table.assign(subset=corpus.table["path"].str.split("/").str[0])
    if table.empty:
        raise DataError(f"{corpus.root}: none of its utterances can be read; {sum_up(corpus.problems)}.")
    there = sorted(table["subset"].unique())
    held = [one for one in there if one.startswith("dev-")]
    wanted = [one for one in there if one not in held] if subsets is None else list(subsets)
    if unknown := sorted(set(wanted) - set(there)):
        raise DataError(f"{corpus.root}: has no subset {', '.join(unknown)}; take some of {', '.join(there)}.")
    held = [one for one in held if one not in wanted]
    table = table[table["subset"].isin([*wanted, *held])].reset_index(drop=True)
    if not held and table["speaker"].nunique() < 2:
        raise DataError(f"{corpus.root}: one speaker cannot train and develop too; give another, or a dev-clean.")
    developing = table["subset"].isin(held) if held else table["speaker"].isin(_lowest(table["speaker"], development))
    table = table.assign(split=developing.map({True: "development", False: "train"}))
    table = table.assign(gender=table["speaker"].map(_genders(corpus.root)).fillna(""))
    return replace(
        corpus,
        name="librispeech",
        version=f"{len(table)} files, {table['speaker'].nunique()} speakers",
        table=table.drop(columns="subset"),
    )


def _lowest(speakers: pd.Series, share: float) -> set[str]:
    """The speakers whose digests are in the lowest share of all that there might be; the lowest one at least."""
    digests = {one: int(hashlib.sha256(one.encode()).hexdigest(), 16) / 2**256 for one in speakers.unique()}
    return {one for one, digest in digests.items() if digest < share} or {min(digests, key=digests.__getitem__)}


def _genders(root: Path) -> dict[str, str]:
    """From SPEAKERS.TXT, `14 | F | train-clean-360 | …`, where it is."""
    path = root / "SPEAKERS.TXT"
    if not path.is_file():
        return {}
    lines = (line.split("|") for line in lines_of(path, "copy it again, or remove it") if line[:1] != ";")
    words = {"F": "Female", "M": "Male"}
    return {parts[0].strip(): words.get(parts[1].strip(), "") for parts in lines if len(parts) > 2}
