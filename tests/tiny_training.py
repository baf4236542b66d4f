"""A training small enough for a test: random frames, four chunks a sentence, the real classes throughout."""

from pathlib import Path

import pandas as pd
import pytorch_lightning as pl
import torch

from callbacks.checkpoints import AtomicCheckpointIO, best_checkpoint, last_checkpoint
from callbacks.history import History
from callbacks.keyed_randomness import KeyedRandomness
from callbacks.pass_schedule import PassSchedule
from callbacks.pseudo_labels import PseudoLabels
from datamodules.chunking import ChunkSettings
from datamodules.datamodule import ChunkDataModule
from datamodules.features.settings import FeatureSettings
from datamodules.front_end import FrontEnd
from datamodules.samplers import ChunkUniform
from datamodules.sentence_set import SentenceSet
from experiments.parallel import parallel_options

MELS, FRAMES, CHUNKS = 16, 8, 4
FEATURES = FeatureSettings(num_mels=MELS, clip=None)
WINDOW = ChunkSettings(window_seconds=FRAMES * 256 / 16000, max_seconds=CHUNKS * FRAMES * 256 / 16000)


def front_end() -> FrontEnd:
    return FrontEnd(FEATURES, WINDOW, torch.zeros(MELS), torch.ones(MELS), {"arousal": 4.0}, {"arousal": 1.0})


def sentence_set(name: str, count: int, seed: int, labeled: bool = True) -> SentenceSet:
    """Sentences whose mean level is their label, so that something can be learnt."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(FRAMES, 5 * FRAMES, (count,), generator=generator)
    offsets = lengths.cumsum(0) - lengths
    labels = torch.randn(count, 1, generator=generator)
    frames = torch.randn(int(lengths.sum()), MELS, generator=generator)
    frames += labels.repeat_interleave(lengths, 0) * torch.linspace(-1, 1, MELS)
    table = pd.DataFrame(
        {
            "utterance_id": [f"{name}-{i}" for i in range(count)],
            "speaker": "1",
            "arousal": labels[:, 0].double().numpy() + 4.0,
        }
    )
    if not labeled:
        labels = torch.full_like(labels, torch.nan)
    return SentenceSet(name, table, frames.half(), offsets, lengths, labels, CHUNKS, FRAMES, "floor")


def datamodule(passes: str, sampler=ChunkUniform, batch_size: int = 8, seed: int = 0, **sets) -> ChunkDataModule:
    sets = sets or {
        "L": sentence_set("L", 24, 1),
        "U": sentence_set("U", 20, 2, labeled=False),
        "development": sentence_set("development", 10, 3),
    }
    return ChunkDataModule(sets, front_end(), tuple(passes), sampler, batch_size, seed)


def trainer(
    directory: Path,
    passes: int,
    seed: int = 0,
    callbacks=(),
    clusters: int = 4,
    losses=("ccc", "cluster"),
    clustered=True,
    processes: int = 1,
    precision: str = "32-true",
) -> pl.Trainer:
    directory.mkdir(parents=True, exist_ok=True)
    options, plugins = parallel_options("cpu", processes)
    return pl.Trainer(
        accelerator="cpu",
        devices=processes,
        precision=precision,
        **options,
        max_epochs=passes,
        callbacks=[
            PassSchedule(),
            KeyedRandomness(seed),
            *([PseudoLabels(clusters, seed, directory=directory)] if clustered else []),
            History(directory, losses, ["arousal"]),
            best_checkpoint(directory / "checkpoints"),
            last_checkpoint(directory / "checkpoints"),
            *callbacks,
        ],
        plugins=[AtomicCheckpointIO(), *plugins],
        logger=False,
        default_root_dir=directory,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        enable_model_summary=False,
        enable_progress_bar=False,
    )
