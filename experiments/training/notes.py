"""What a run's data are like, as sentences for the log and metrics.json: what was tolerated, and what is odd."""

from datamodules.chunking import ChunkSettings
from datamodules.corpus import Corpus, sum_up
from datamodules.feature_store import FeatureStore
from datamodules.fill_store import count_notes
from datamodules.labels import ATTRIBUTES, NOBODY
from datamodules.sets import SET_OF_SPLIT
from experiments.config.pretrained import Pretrained
from experiments.results.known_before import known_before
from experiments.training.data import PreparedData


def data_notes(data: PreparedData, chunks: ChunkSettings, pretrained: Pretrained | None = None) -> list[str]:
    """What was tolerated and left out of a run's data, a sentence each, and what its encoder had heard before."""
    notes = []
    for corpus, store in data.parts:
        where = f"{corpus.name} {corpus.version}"
        notes += [f"{where}: {note}" for note in (*corpus.notes, *_odd_rows(corpus), *_same_sound(corpus, store))]
        notes += [f"{where}: {count} {note}" for note, count in count_notes(store, corpus, chunks).items()]
        if corpus.problems:
            notes.append(f"{where}: {len(corpus.problems)} files are left out; {sum_up(corpus.problems)}")
    if pretrained is not None:
        judged = [split for split in data.corpus.splits() if split not in SET_OF_SPLIT]
        taught, on = pretrained.taught_with, pretrained.taught_on
        notes += known_before(taught, on, data.corpus, data.store, judged, "the encoder")
    return notes


def _odd_rows(corpus: Corpus) -> list[str]:
    """A note for every set whose sentences are all rated alike in an attribute, or are all of one speaker."""
    notes = []
    for split in corpus.splits():
        rows = corpus.rows(split)
        for name in ATTRIBUTES:
            rated = rows[name].dropna()
            if len(rated) > 1 and rated.nunique() == 1:
                alike = f"all {len(rated)} sentences of {split} are rated {rated.iloc[0]:g} in {name}"
                notes.append(f"{alike}, so no CCC of it is defined")
        speakers = rows["speaker"].unique()
        if split == "train" and len(rows) > 1 and len(speakers) == 1 and speakers[0] not in NOBODY:
            notes.append(f"all {len(rows)} sentences of train are of one speaker")
    return notes


def _same_sound(corpus: Corpus, store: FeatureStore) -> list[str]:
    """A note for every set with recordings that are, byte by byte, those of other sentences of it or of train."""
    rows = store.rows(corpus.table["utterance_id"]).reset_index(drop=True)
    sound = rows["digest"] + ":" + rows["start_sample"].astype(str) + ":" + rows["stop_sample"].astype(str)
    splits = corpus.table["split"].reset_index(drop=True)
    of_train = set(sound[splits == "train"])
    notes = []
    for split in corpus.splits():
        own = sound[splits == split]
        if (copies := int(own.duplicated().sum())) > 0:
            notes.append(f"{copies} sentences of {split} sound, byte by byte, like another of it")
        if split != "train" and (known := int(own.isin(of_train).sum())):
            notes.append(f"{known} sentences of {split} sound, byte by byte, like one of train")
    return notes
