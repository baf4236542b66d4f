"""The chunked data of a run: loaders that carry ids, and one place where ids become chunks and labels.

Shapes: S sentences of a set, B sentences a batch, C chunks, T frames, F mel bins, A label columns.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset

from datamodules.batch import ChunkBatch, ChunkIndex
from datamodules.chunking import NO_CHUNK
from datamodules.errors import DataError
from datamodules.facts import apart, chunk_facts
from datamodules.free_memory import free_memory
from datamodules.front_end import FrontEnd
from datamodules.processes import share_of, world_size
from datamodules.pseudo_label_store import PseudoLabelStore
from datamodules.samplers import PassSampler, effective_size
from datamodules.sentence_set import SentenceSet

# Sentences are embedded and evaluated about this many chunks at a time: no gradients are kept, so the number
# changes speed only, and on a CPU batches of 44 to 176 chunks are the fastest.
CHUNKS_WITHOUT_GRADIENT = 88

RESIDENCIES = ("auto", "device", "memory", "disk")


def _loader(batches: Iterable[ChunkIndex]) -> DataLoader[ChunkIndex]:
    """Hands over ready-made batches of ids; no work is done in it, so there are no workers."""
    carry: Any = {"batch_sampler": batches, "collate_fn": _as_it_is}
    return DataLoader(_Whole(), num_workers=0, **carry)


class _Whole(Dataset[ChunkIndex]):
    """Lets a loader's batch sampler hand over a whole batch at once; no work is done here."""

    def __getitems__(self, index: ChunkIndex) -> ChunkIndex:
        return index


def _as_it_is(index: ChunkIndex) -> ChunkIndex:
    return index


class ChunkDataModule(pl.LightningDataModule):
    """Sets of sentences, read one pass at a time.

    A Lightning epoch is one pass over one set; `passes` names the set of each. Batches carry ids only and are
    gathered, normalised and labelled in the main process (`on_after_batch_transfer`): loader workers would see
    stale pseudo-labels, and gathering is too cheap to need them.
    """

    def __init__(
        self,
        sets: Mapping[str, SentenceSet],
        front_end: FrontEnd,
        passes: Sequence[str],
        sampler: type[PassSampler],
        batch_size: int,
        seed: int,
        residency: str = "auto",
    ) -> None:
        """`sets` holds `L`, `U` where there is one, `development`, and the test sets by name.

        batch_size: sentences a batch; samplers of single chunks take batch_size x C chunks, or batch_size pieces.
        residency: where the frames lie: `disk` (memory-mapped), `memory`, `device`, or `auto` (the device if
            they fill at most half of its free memory, else main memory likewise, else the disk).
        """
        super().__init__()
        self.sets = dict(sets)
        self.front_end = front_end
        self.passes = tuple(passes)
        self.sampler = sampler
        self.batch_size = batch_size
        self.seed = seed
        self.residency = residency
        self.pseudo_labels = PseudoLabelStore()
        self._facts: dict[str, dict[str, torch.Tensor]] = {}

    def place(self, device: torch.device) -> None:
        """Move the frames to where `residency` says."""
        for name, one in self.sets.items():
            where = self.residency
            if where == "auto":
                where = _roomiest(one, device)
            if where == "device":
                self.sets[name] = one.resident(device)
            elif where == "memory":
                self.sets[name] = one.resident(torch.device("cpu"))

    def setup(self, stage: str) -> None:
        """Called by Lightning once the device is known."""
        if self.trainer is not None and stage == "fit":
            self.place(self.trainer.strategy.root_device)

    def train_dataloader(self) -> DataLoader[ChunkIndex]:
        """Batches of the pass that comes next; Lightning asks before every epoch."""
        assert self.trainer is not None
        pass_index = self.trainer.current_epoch
        set_name = self.passes[pass_index]
        one = self.sets[set_name]
        batches = self.sampler(
            set_name,
            len(one),
            one.num_chunks,
            self.pseudo_labels,
            self.batch_size,
            self.seed,
            pass_index,
            one.places if self.front_end.features.frames_a_piece is not None else None,
        )
        return _loader(batches)

    def val_dataloader(self) -> DataLoader[ChunkIndex]:
        """The development set in order, whole sentences."""
        batches = list(self._in_order("development"))
        return _loader(batches)

    def on_after_batch_transfer(self, batch: ChunkIndex, dataloader_idx: int) -> ChunkBatch:
        """Ids become chunks, labels and pseudo-labels."""
        assert self.trainer is not None
        model = self.trainer.lightning_module
        return self.gather(batch, self.trainer.strategy.root_device, model.dtype)

    def gather(self, index: ChunkIndex, device: torch.device, dtype: Any = torch.float32) -> ChunkBatch:
        """This process's share of an index, on `device`; the chunks in `dtype`."""
        one = self.sets[index.set_name]
        share = share_of(len(index.sentence_ids))
        rows = slice(share.first, share.first + share.held)
        ids, positions = index.sentence_ids[rows].cpu(), index.positions[rows].cpu()
        chunks = self.front_end.normalize(one.gather(ids, positions).to(device)).to(dtype)
        if (absent := positions == NO_CHUNK).any():
            chunks[absent.to(device)] = torch.nan
        pseudo = self.pseudo_labels.labels(index.set_name)
        clusters = torch.full(positions.shape, -1) if pseudo is None else pseudo[ids[:, None], positions]
        return ChunkBatch(
            index.set_name,
            ids.to(device),
            positions.to(device),
            chunks,
            one.labels[ids].to(device),
            clusters.to(device),
            share,
        )

    def effective_size(self, set_name: str) -> float:
        """How many equally likely draws the next pass's draw by clusters is worth; see samplers.effective_size."""
        labels = self.pseudo_labels.labels(set_name)
        assert labels is not None  # the set was clustered
        return effective_size(self.sampler.weights(labels, self.pseudo_labels.num_clusters(set_name)))

    def facts(self, set_name: str) -> dict[str, torch.Tensor]:
        """(S, C) codes of what is known of a set's chunks beside their sound; see chunk_facts."""
        if set_name not in self._facts:
            self._facts[set_name] = chunk_facts(self.sets[set_name])
        return self._facts[set_name]

    def apart(self, set_name: str) -> torch.Tensor:
        """(S,) how many places further a chunk of each sentence begins that does not overlap; C where there is none."""
        return apart(self.sets[set_name])

    def size(self, set_name: str) -> int:
        """S, the sentences of a set."""
        return len(self.sets[set_name])

    def in_order(self, set_name: str, device: torch.device, dtype: Any = torch.float32) -> Iterator[ChunkBatch]:
        """All whole sentences of a set by rising id, or this process's share of them, for embedding and evaluation."""
        for index in self._in_order(set_name):
            yield self.gather(index, device, dtype)

    def _in_order(self, set_name: str) -> Iterator[ChunkIndex]:
        one = self.sets[set_name]
        places = one.places
        size = max(1, CHUNKS_WITHOUT_GRADIENT // one.num_chunks) * world_size()
        for ids in torch.arange(len(one)).split(size):
            yield ChunkIndex(set_name, ids, places[ids])

    def state_dict(self) -> dict[str, Any]:
        """The front end, so that a checkpoint predicts from audio on its own, and the latest clusters."""
        return {"front_end": self.front_end.to_dict(), "pseudo_labels": self.pseudo_labels.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume, with the checkpoint's statistics: extracted again elsewhere, features may differ in a last bit.

        Raises DataError when features or chunks are not those of the checkpoint. That the files are the same ones is
        in the run's name.
        """
        saved = FrontEnd.from_dict(state["front_end"])
        if (saved.features, saved.chunks) != (self.front_end.features, self.front_end.chunks):
            raise DataError(
                "the checkpoint was trained on other features or chunks than the run has now; set overwrite=true to "
                "start it anew."
            )
        self.front_end = saved
        self.pseudo_labels.load_state_dict(state["pseudo_labels"])


def _roomiest(one: SentenceSet, device: torch.device) -> str:
    """The fastest place that keeps at least half of its memory free."""
    needed = int(one.lengths.sum()) * one.frames.shape[1] * one.frames.element_size()
    if device.type == "cuda" and needed < torch.cuda.mem_get_info(device)[0] // 2:
        return "device"
    return "memory" if needed * world_size() < (free_memory() or 0) // 2 else "disk"  # each process holds its own
