"""From a config to prepared data: the labelled corpus and the part of the unlabelled pool a run asks for."""

import hashlib
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from datamodules.chunking import ChunkSettings
from datamodules.corpora.corpus import Corpus, refuse_too_many
from datamodules.feature_store import FeatureStore
from datamodules.features import FeatureSettings
from datamodules.preparation import prepare
from datamodules.unlabeled import select
from experiments.console import ConfigurationError
from experiments.instantiation import build


@dataclass(frozen=True)
class PreparedData:
    """Everything a run reads, on the disk and ready."""

    corpus: Corpus
    store: FeatureStore
    pool: Corpus | None
    """None where a run trains on labels alone."""
    pool_store: FeatureStore | None
    settings: FeatureSettings
    chunks: ChunkSettings


def prepare_data(cfg: DictConfig, progress: bool = True) -> PreparedData:
    """Read the corpus and the pool of `cfg.data` and extract what their feature stores do not hold.

    Raises DataError for data that cannot be used, ConfigurationError for options that contradict each other.
    """
    return extract(cfg, *read_corpora(cfg), progress)


def extract(cfg: DictConfig, corpus: Corpus, pool: Corpus | None, progress: bool = True) -> PreparedData:
    """The second half of `prepare_data`, for corpora that were read already."""
    settings, chunks = feature_settings(cfg), chunk_settings(cfg)
    root, limit = Path(cfg.store_root), cfg.data.max_bad_files
    workers = cfg.data.get("workers")
    corpus, store = prepare(corpus, settings, root, limit, workers, progress, chunks)
    pool_store = None
    if pool is not None:
        pool, pool_store = prepare(pool, settings, root, limit, workers, progress, chunks)
    return PreparedData(corpus, store, pool, pool_store, settings, chunks)


def read_corpora(cfg: DictConfig) -> tuple[Corpus, Corpus | None]:
    """The labelled corpus and `unlabeled_size` utterances of the pool (None for 0); no audio is read yet."""
    if OmegaConf.is_missing(cfg.data, "root"):
        raise ConfigurationError(
            f"data.root is not set: give the folder of the corpus, data={cfg.data.name} data.root=…"
        )
    corpus: Corpus = build(cfg.data.corpus)
    if not cfg.unlabeled_size:
        return corpus, None
    folder = cfg.data.get("unlabeled_dir")
    if folder is None:
        raise ConfigurationError(
            f"unlabeled_size={cfg.unlabeled_size} needs a pool: set data.unlabeled_dir to a folder of audio "
            "files, or unlabeled_size=0 to train on labels alone."
        )
    # Remembers the durations of the pool's files, so that 600,000 headers are read once.
    place = hashlib.sha256(str(Path(folder).expanduser().resolve()).encode()).hexdigest()[:8]
    pool: Corpus = build(cfg.data.pool, scan_cache=Path(cfg.store_root) / f"scan-{place}.parquet")
    # Judged here: a handful of broken headers among 600,000 files is no reason to refuse a subset of 5,000.
    refuse_too_many(pool, cfg.data.max_bad_files)
    return corpus, select(pool, cfg.unlabeled_size, labeled=corpus, seed=cfg.data.get("pool_seed", 99))


def feature_settings(cfg: DictConfig) -> FeatureSettings:
    """`cfg.features` as the front end takes it."""
    return FeatureSettings(**_options(cfg.features, FeatureSettings, "features"))


def chunk_settings(cfg: DictConfig) -> ChunkSettings:
    """`cfg.data.chunks` as the chunker takes it."""
    return ChunkSettings(**_options(cfg.data.chunks, ChunkSettings, "data.chunks"))


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


def _size(path: Path) -> int:
    """Bytes; -1 for a file that is not there, which the preparation tells."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _options(node: DictConfig, kind: type, where: str) -> dict[str, Any]:
    """A group's options as plain values, unknown ones refused."""
    options: Any = OmegaConf.to_container(node, resolve=True)
    known = [field.name for field in fields(kind)]
    unknown = [name for name in options if name not in known]
    if unknown:
        raise ConfigurationError(f"{where}.{unknown[0]} is not an option; there are {', '.join(known)}.")
    return options
