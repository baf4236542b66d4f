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
from datamodules.chunking import NO_CHUNK
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
        places: Tensor | None = None,
    ) -> None:
        """A batch has batch_size sentences, or as many chunks as these have where single ones are drawn.

        places: (S, C) of sentences that are rows of pieces, where not all have C, see SentenceSet; a batch then has
            batch_size pieces.
        """
        self.set_name = set_name
        self.num_sentences = num_sentences
        self.num_chunks = num_chunks
        self.pseudo_labels = pseudo_labels
        self.batch_size = batch_size
        self.seed = seed
        self.pass_index = pass_index
        self.places = places

    @classmethod
    def weights(cls, labels: Tensor, num_clusters: int) -> Tensor:
        """How much likelier than another a sentence (S,), or a chunk (S·C,) where single ones are drawn, is drawn.

        labels: (S, C) clusters.
        """
        return torch.ones(len(labels) if cls.whole_sentences else labels.numel(), dtype=torch.float64)

    @abstractmethod
    def draw(self, generator: torch.Generator) -> Tensor:
        """Sentence ids (n,) where whole sentences are drawn, else chunk ids (n,) = sentence id * C + position."""

    def __len__(self) -> int:
        if self.places is None or self.whole_sentences:
            return -(-self.num_sentences // self.batch_size)
        return -(-len(self.chunk_ids()) // self.batch_size)

    def chunk_ids(self) -> Tensor:
        """Every chunk that there is, as sentence id * C + position."""
        if self.places is None:
            return torch.arange(self.num_sentences * self.num_chunks)
        return (self.places != NO_CHUNK).flatten().nonzero()[:, 0]

    def __iter__(self) -> Iterator[ChunkIndex]:
        generator = torch.Generator().manual_seed(derive_seed(self.seed, "sampler", self.pass_index))
        drawn = self.draw(generator)
        if self.whole_sentences:
            every = torch.arange(self.num_chunks).expand(self.num_sentences, -1)
            places = every if self.places is None else self.places
            for ids in drawn.split(self.batch_size):
                yield ChunkIndex(self.set_name, ids, places[ids])
        else:
            for ids in drawn.split(self.batch_size * (self.num_chunks if self.places is None else 1)):
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

    @classmethod
    def weights(cls, labels: Tensor, num_clusters: int) -> Tensor:
        """(S·C,)"""
        return chunk_weights(labels, num_clusters).flatten()

    def draw(self, generator: torch.Generator) -> Tensor:
        """Chunk ids (S·C,): of each cluster its share, mixed."""
        labels = self._fresh_labels().flatten()
        num_clusters = self.pseudo_labels.num_clusters(self.set_name)
        # Members of cluster q are order[ends[q] - sizes[q] : ends[q]].
        order = _by_cluster(labels)
        sizes = torch.bincount(labels, minlength=num_clusters)
        ends = sizes.cumsum(0)
        occupied = int((sizes > 0).sum())
        shares = [len(labels) // occupied + (rank < len(labels) % occupied) for rank in range(occupied)]
        drawn = []
        for size, end, share in zip(sizes[sizes > 0].tolist(), ends[sizes > 0].tolist(), shares, strict=True):
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

    @classmethod
    def weights(cls, labels: Tensor, num_clusters: int) -> Tensor:
        """(S,) the sum over a sentence's chunks of 1 / size of the chunk's cluster."""
        return chunk_weights(labels, num_clusters).sum(1)

    def draw(self, generator: torch.Generator) -> Tensor:
        """Sentence ids (S,), some more than once, others not at all."""
        labels, num_clusters = self._fresh_labels(), self.pseudo_labels.num_clusters(self.set_name)
        weights = self.weights(labels, num_clusters)
        # Not torch.multinomial: it refuses more than 2^24 categories and loses small weights in float32 sums.
        bounds = weights.cumsum(0)
        points = torch.rand(self.num_sentences, generator=generator, dtype=torch.float64) * bounds[-1]
        return torch.searchsorted(bounds, points, right=True).clamp_(max=self.num_sentences - 1)


class Reordered(ChunkUniform):
    """What the released vanilla program draws: ChunkUniform's places, of a list that stands in another order.

    It applies its balanced indices to chunks that have been re-ordered by cluster meanwhile. So clusters come out as
    they are, the raw distribution, but drawn with replacement: about half of the chunks, some of them many times.
    """

    @classmethod
    def weights(cls, labels: Tensor, num_clusters: int) -> Tensor:
        """(S·C,)"""
        weights = torch.empty(labels.numel(), dtype=torch.float64)
        weights[_by_cluster(labels)] = super().weights(labels, num_clusters)
        return weights

    def draw(self, generator: torch.Generator) -> Tensor:
        """Chunk ids (S·C,)."""
        return _by_cluster(self._fresh_labels())[super().draw(generator)]


class Natural(PassSampler):
    """Every chunk once, singly, in random order: the raw distribution of clusters."""

    whole_sentences = False
    needs_clusters = False

    def draw(self, generator: torch.Generator) -> Tensor:
        """Chunk ids (S·C,), or of the pieces that there are, a permutation."""
        every = self.chunk_ids()
        return every[torch.randperm(len(every), generator=generator)]


class NaturalSentence(PassSampler):
    """Every sentence once, whole, in random order."""

    whole_sentences = True
    needs_clusters = False

    def draw(self, generator: torch.Generator) -> Tensor:
        """Sentence ids (S,), a permutation."""
        return torch.randperm(self.num_sentences, generator=generator)


def chunk_weights(labels: Tensor, num_clusters: int) -> Tensor:
    """(S, C) weight of each chunk: 1 / size of its cluster, so that every cluster weighs the same.

    Lin & Busso 2024, section 3.3. float64: the weights of 600,000 sentences are small numbers.

    >>> chunk_weights(torch.tensor([[0, 0], [1, 1]]), 3).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    return torch.bincount(labels.flatten(), minlength=num_clusters).double().reciprocal()[labels]


def effective_size(weights: Tensor) -> float:
    """How many equally likely draws are worth as much as draws by these weights (Kish 1965): (Σ w)² / Σ w².

    >>> effective_size(torch.tensor([1.0, 1.0, 0.0]))
    2.0
    """
    return float(weights.sum().square() / weights.square().sum())


def _by_cluster(labels: Tensor) -> Tensor:
    """Chunk ids, cluster after cluster; numpy sorts short integers by their digits, in a tenth of the time."""
    short = labels.flatten().to(torch.int16 if labels.max() < 2**15 else torch.int64)
    return torch.from_numpy(short.numpy().argsort(kind="stable"))
