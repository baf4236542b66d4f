"""Which chunks a training pass reads, and in what order; a batch at a time, as ChunkIndex.

A sampler draws lazily, when the pass begins, with a generator made of the run's seed and the pass alone. So the
clusters made at the start of a pass are the ones it draws by, and a resumed pass draws what it would have drawn.

Shapes: S sentences of the set, C chunks a sentence, Q clusters, B sentences a batch.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import Sampler

from datamodules.batch import ChunkIndex
from datamodules.pseudo_label_store import PseudoLabelStore
from datamodules.seeds import derive_seed


class PassSampler(Sampler[ChunkIndex], ABC):
    """Batches of one pass over one set; subclasses say which chunks, in `draw`."""

    whole_sentences: bool
    """Whether all C chunks of a sentence come together and in order, as temporal nets and triplets need."""

    needs_clusters: bool
    """Whether the pass's set must have been clustered before."""

    def __init__(
        self,
        set_name: str,
        num_sentences: int,
        num_chunks: int,
        pseudo_labels: PseudoLabelStore,
        batch_size: int,
        seed: int,
        pass_index: int,
    ) -> None:
        self.set_name = set_name
        self.num_sentences = num_sentences
        self.num_chunks = num_chunks
        self.pseudo_labels = pseudo_labels
        self.batch_size = batch_size
        self.seed = seed
        self.pass_index = pass_index

    @abstractmethod
    def draw(self, generator: torch.Generator) -> Tensor:
        """Sentence ids (n,) where whole sentences are drawn, else chunk ids (n,) = sentence id * C + position."""

    def __len__(self) -> int:
        return -(-self.num_sentences // self.batch_size)

    def __iter__(self) -> Iterator[ChunkIndex]:
        generator = torch.Generator().manual_seed(derive_seed(self.seed, "sampler", self.pass_index))
        drawn = self.draw(generator)
        if self.whole_sentences:
            every = torch.arange(self.num_chunks)
            for ids in drawn.split(self.batch_size):
                yield ChunkIndex(self.set_name, ids, every.expand(len(ids), -1))
        else:
            for ids in drawn.split(self.batch_size * self.num_chunks):
                yield ChunkIndex(self.set_name, ids // self.num_chunks, (ids % self.num_chunks)[:, None])

    def _fresh_labels(self) -> Tensor:
        made_for = self.pseudo_labels.made_for_pass(self.set_name)
        labels = self.pseudo_labels.labels(self.set_name)
        if labels is None or made_for != self.pass_index:
            raise RuntimeError(
                f"pass {self.pass_index} over {self.set_name} would draw by the clusters of pass {made_for}; "
                "the pseudo-label callback must run first"
            )
        return labels


class ChunkUniform(PassSampler):
    """S·C/Q chunks of every cluster, shuffled; with replacement where a cluster has fewer (Lin et al. 2021).

    When Q does not divide S·C the first clusters give one chunk more, so that a pass always has S·C chunks.
    """

    whole_sentences = False
    needs_clusters = True

    def draw(self, generator: torch.Generator) -> Tensor:
        """Chunk ids (S·C,): of each cluster its share, mixed."""
        labels = self._fresh_labels().flatten()
        num_clusters = self.pseudo_labels.num_clusters(self.set_name)
        # Members of cluster q are order[ends[q] - sizes[q] : ends[q]].
        order = labels.argsort(stable=True)
        sizes = torch.bincount(labels, minlength=num_clusters)
        ends = sizes.cumsum(0)
        occupied = int((sizes > 0).sum())
        shares = [len(labels) // occupied + (rank < len(labels) % occupied) for rank in range(occupied)]
        drawn = []
        for (size, end), share in zip(
            ((int(s), int(e)) for s, e in zip(sizes, ends, strict=True) if s > 0), shares, strict=True
        ):
            members = order[end - size : end]
            if size >= share:
                drawn.append(members[torch.randperm(size, generator=generator)[:share]])
            else:
                drawn.append(members[torch.randint(size, (share,), generator=generator)])
        together = torch.cat(drawn)
        return together[torch.randperm(len(together), generator=generator)]


class SentenceUniform(PassSampler):
    """S whole sentences drawn with replacement by their weight (Lin & Busso 2024, section 3.3)."""

    whole_sentences = True
    needs_clusters = True

    def draw(self, generator: torch.Generator) -> Tensor:
        """Sentence ids (S,), some more than once, others not at all."""
        self._fresh_labels()
        weights = self.pseudo_labels.sentence_weights(self.set_name)
        # Not torch.multinomial: it refuses more than 2^24 categories and loses small weights in float32 sums.
        bounds = weights.cumsum(0)
        points = torch.rand(self.num_sentences, generator=generator, dtype=torch.float64) * bounds[-1]
        return torch.searchsorted(bounds, points, right=True).clamp_(max=self.num_sentences - 1)


class Natural(PassSampler):
    """Every chunk once, singly, in random order: the raw distribution of clusters.

    This is what the released vanilla program amounts to: it applies its balanced indices to a list that has
    been re-ordered meanwhile, so its uniform sampling has no effect.
    """

    whole_sentences = False
    needs_clusters = False

    def draw(self, generator: torch.Generator) -> Tensor:
        """Chunk ids (S·C,), a permutation."""
        return torch.randperm(self.num_sentences * self.num_chunks, generator=generator)


class NaturalSentence(PassSampler):
    """Every sentence once, whole, in random order."""

    whole_sentences = True
    needs_clusters = False

    def draw(self, generator: torch.Generator) -> Tensor:
        """Sentence ids (S,), a permutation."""
        return torch.randperm(self.num_sentences, generator=generator)
