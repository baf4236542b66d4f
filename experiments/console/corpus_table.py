"""What a prepared corpus holds, as a table."""

from rich.console import Console
from rich.table import Table

from datamodules.chunking import ChunkSettings
from datamodules.corpus import Corpus, kinds_of
from datamodules.feature_store import FeatureStore
from datamodules.fill_store import BAD_FILES, count_notes


def show_corpus(corpus: Corpus, store: FeatureStore, chunks: ChunkSettings) -> None:
    """Print what a prepared corpus holds, what was left out and what was tolerated."""
    hours = store.rows(corpus.table["utterance_id"])["seconds"].groupby(corpus.table["split"].to_numpy()).sum() / 3600
    table = Table()
    table.add_column("split")
    table.add_column("sentences", justify="right")
    table.add_column("hours", justify="right")
    for split in corpus.splits():
        table.add_row(split, f"{len(corpus.rows(split)):,}", f"{hours[split]:.2f}")
    console = Console(highlight=False)
    console.print(f"{corpus.name} {corpus.version} ({corpus.label_kind})", soft_wrap=True, markup=False)
    console.print(table)
    console.print(f"features: {store.folder}", soft_wrap=True)
    for note, count in count_notes(store, corpus, chunks).items():
        console.print(f"{count:,} {note}")
    for note in corpus.notes:
        console.print(note, soft_wrap=True, markup=False)
    if corpus.problems:
        console.print(f"left out: {len(corpus.problems):,}, listed in {store.folder / BAD_FILES}", soft_wrap=True)
        for those in kinds_of(corpus.problems).values():
            console.print(f"  {len(those):,} times: {those[0]}", soft_wrap=True, markup=False)
