"""What a prepared corpus holds, as a table."""

from rich.console import Console
from rich.table import Table

from datamodules.chunking import ChunkSettings
from datamodules.corpus import Corpus, kinds_of
from datamodules.feature_store import FeatureStore
from datamodules.fill_store import BAD_FILES, count_notes
from datamodules.labels import EMOTION, NOBODY

FEW_SPEAKERS = 30  # more are no table to read


def show_corpus(corpus: Corpus, store: FeatureStore, chunks: ChunkSettings) -> None:
    """Print what a prepared corpus holds, what was left out and what was tolerated."""
    hours = store.rows(corpus.table["utterance_id"])["seconds"].groupby(corpus.table["split"].to_numpy()).sum() / 3600
    table = Table()
    table.add_column("split")
    table.add_column("sentences", justify="right")
    table.add_column("hours", justify="right")
    for split in corpus.splits():
        table.add_row(split, f"{len(corpus.rows(split)):,}", f"{hours[split]:.2f}")
    console = Console(highlight=False, markup=False)  # names may hold anything
    console.print(f"{corpus.name} {corpus.version} ({corpus.label_kind})", soft_wrap=True)
    console.print(table)
    for counts in (_by_emotion(corpus), _by_speaker(corpus)):
        if counts is not None:
            console.print(counts)
    console.print(f"features: {store.folder}", soft_wrap=True)
    for note, count in count_notes(store, corpus, chunks).items():
        console.print(f"{count:,} {note}")
    for note in corpus.notes:
        console.print(note, soft_wrap=True)
    if corpus.problems:
        console.print(f"left out: {len(corpus.problems):,}, listed in {store.folder / BAD_FILES}", soft_wrap=True)
        for those in kinds_of(corpus.problems).values():
            console.print(f"  {len(those):,} times: {those[0]}", soft_wrap=True)


def _by_emotion(corpus: Corpus) -> Table | None:
    """How many sentences of each named emotion there are, beside those published; None where the table names none."""
    found = corpus.table.loc[corpus.table[EMOTION] != "", EMOTION].value_counts()
    if found.empty:
        return None
    table = Table()
    table.add_column("emotion")
    table.add_column("here", justify="right")
    if corpus.published:
        table.add_column("published", justify="right")
    for emotion in sorted({*found.index, *corpus.published}):
        here, whole = int(found.get(emotion, 0)), corpus.published.get(emotion, 0)
        differs = " (differs)" if corpus.published and here != whole else ""
        table.add_row(emotion, f"{here:,}{differs}", *([f"{whole:,}"] if corpus.published else []))
    return table


def _by_speaker(corpus: Corpus) -> Table | None:
    """How many sentences each speaker has in each split; None where they are unknown or many."""
    known = corpus.table[~corpus.table["speaker"].isin(NOBODY)]
    counts = known.groupby(["speaker", "split"]).size().unstack(fill_value=0)
    if not 1 <= len(counts) <= FEW_SPEAKERS:
        return None
    splits = [split for split in corpus.splits() if split in counts]
    table = Table()
    table.add_column("speaker")
    for split in splits:
        table.add_column(split, justify="right")
    for speaker, row in counts.iterrows():
        table.add_row(str(speaker), *(f"{row[split]:,}" for split in splits))
    return table
