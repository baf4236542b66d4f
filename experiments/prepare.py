"""Feature stores only: `python -m experiments.prepare data=msp_podcast data.root=DIR`.

Reads the corpus and the part of the pool a run would, extracts what is missing with a progress bar, and says
what was found. Interrupt it at will; the same command goes on.
"""

import hydra
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from datamodules.chunking import ChunkSettings
from datamodules.corpora.corpus import Corpus
from datamodules.feature_store import FeatureStore
from datamodules.preparation import BAD_FILES, count_notes
from experiments import CONF
from experiments.console import user_errors
from experiments.data import prepare_data
from experiments.logs import log_to_console
from experiments.options import check_options

PROBLEMS_SHOWN = 3


def run(cfg: DictConfig) -> None:
    """Prepare the data of `cfg` and print a table of it; DataError when too much of it cannot be used."""
    check_options(cfg)
    data = prepare_data(cfg)
    show(data.corpus, data.store, data.chunks)
    if data.pool is not None and data.pool_store is not None:
        show(data.pool, data.pool_store, data.chunks)


def show(corpus: Corpus, store: FeatureStore, chunks: ChunkSettings) -> None:
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
        for problem in corpus.problems[:PROBLEMS_SHOWN]:
            console.print(f"  {problem}", soft_wrap=True, markup=False)


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def main(cfg: DictConfig) -> None:
    """The command line."""
    log_to_console()
    with user_errors():
        run(cfg)


if __name__ == "__main__":
    main()
