import json

import pytest
import torch

from datamodules.pseudo_label_store import PseudoLabelStore
from datamodules.samplers import (
    ChunkUniform,
    Natural,
    NaturalSentence,
    Reordered,
    SentenceUniform,
    effective_size,
)


def sampler(kind, labels, clusters, pass_index=0, batch_size=4, seed=0):
    store = PseudoLabelStore()
    store.update("L", labels, clusters, pass_index)
    return kind("L", *labels.shape, store, batch_size, seed, pass_index)


def drawn_chunks(batches, chunks):
    return torch.cat([(b.sentence_ids[:, None] * chunks + b.positions).flatten() for b in batches])


def test_golden_sentence_probabilities(real_data):
    for case in json.loads((real_data / "golden" / "golden_vectors.json").read_text())["sentence_sampling"]:
        weights = SentenceUniform.weights(torch.tensor(case["labels"]), int(case["clusters"]))
        torch.testing.assert_close(
            weights / weights.sum(),
            torch.tensor(case["sentence_probabilities"], dtype=torch.float64),
            atol=1e-12,
            rtol=0,
        )


def test_sentence_sampler_draws_by_weight():
    labels = torch.randint(5, (40, 3), generator=torch.Generator().manual_seed(0))
    labels[:30] = 0  # one large cluster
    store = PseudoLabelStore()
    store.update("L", labels, 5, 0)
    weights = SentenceUniform.weights(labels, 5)
    counts = torch.zeros(40)
    rounds = 500
    for seed in range(rounds):
        batches = list(SentenceUniform("L", 40, 3, store, 7, seed, 0))
        ids = torch.cat([b.sentence_ids for b in batches])
        assert len(ids) == 40
        assert all(b.positions.tolist() == [[0, 1, 2]] * len(b.sentence_ids) for b in batches)
        counts += torch.bincount(ids, minlength=40)
    expected = weights / weights.sum() * 40 * rounds
    chi_square = ((counts - expected) ** 2 / expected).sum().item()
    # 39 degrees of freedom: mean 39, deviation 8.8; 39 + 5 deviations.
    assert chi_square < 83
    # Drawing evenly would be seen: that sampler's statistic is in the thousands.
    assert ((20000 / 40 - expected) ** 2 / expected).sum() > 1000


def test_chunk_sampler_gives_every_cluster_its_share():
    labels = torch.zeros(50, 4, dtype=torch.long)
    labels[:3] = 1  # 12 chunks: drawn with replacement
    labels[3:20] = 2  # 68 chunks: without
    batches = list(sampler(ChunkUniform, labels, 3))
    chunks = drawn_chunks(batches, 4)
    assert len(chunks) == 200
    assert torch.bincount(labels.flatten()[chunks]).tolist() == [67, 67, 66]
    of_two = chunks[labels.flatten()[chunks] == 2]
    assert len(of_two.unique()) == len(of_two)
    of_one = chunks[labels.flatten()[chunks] == 1]
    assert len(of_one.unique()) <= 12 < len(of_one)
    assert all(b.positions.shape[1] == 1 for b in batches)
    # Shuffled: the first batch of 16 does not come from one cluster.
    assert len(labels.flatten()[drawn_chunks(batches[:1], 4)].unique()) == 3


def test_chunk_sampler_reaches_all_members_of_a_large_cluster():
    labels = torch.zeros(20, 5, dtype=torch.long)
    labels[0, 0] = 1
    seen = torch.cat([drawn_chunks(sampler(ChunkUniform, labels, 2, seed=s), 5) for s in range(30)])
    assert set(seen.tolist()) == set(range(100))


@pytest.mark.parametrize("kind", [Natural, NaturalSentence])
def test_natural_samplers_read_everything_once(kind):
    labels = torch.zeros(13, 3, dtype=torch.long)
    chunks = drawn_chunks(sampler(kind, labels, 1), 3)
    assert chunks.sort().values.tolist() == list(range(39))
    assert chunks.tolist() != list(range(39))


@pytest.mark.parametrize("kind", [ChunkUniform, Reordered, SentenceUniform, Natural, NaturalSentence])
def test_order_is_keyed_by_seed_and_pass_alone(kind):
    labels = torch.randint(4, (30, 3), generator=torch.Generator().manual_seed(0))

    def order(seed, pass_index):
        one = sampler(kind, labels, 4, pass_index, seed=seed)
        torch.rand(3)  # somebody else's random numbers must not matter
        first, second = drawn_chunks(one, 3).tolist(), drawn_chunks(one, 3).tolist()
        assert first == second  # Lightning may iterate twice
        return first

    assert order(0, 0) == order(0, 0)
    assert order(0, 0) != order(0, 1)
    assert order(0, 0) != order(1, 0)


@pytest.mark.parametrize("kind", [ChunkUniform, Reordered, SentenceUniform])
def test_stale_clusters_are_refused(kind):
    store = PseudoLabelStore()
    store.update("L", torch.zeros(5, 2, dtype=torch.long), 2, 0)
    stale = kind("L", 5, 2, store, 2, 0, pass_index=1)
    with pytest.raises(RuntimeError, match="must run first"):
        next(iter(stale))


def test_length_is_the_number_of_batches():
    for kind in (ChunkUniform, Reordered, SentenceUniform, Natural, NaturalSentence):
        one = sampler(kind, torch.zeros(13, 3, dtype=torch.long), 1, batch_size=5)
        assert len(one) == len(list(one)) == 3


def test_labels_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"in \[0, 2\)"):
        PseudoLabelStore().update("L", torch.tensor([[0, 2]]), 2, 0)


def several():
    """400 sentences of 5 chunks in ten clusters of many."""
    return torch.randint(10, (400, 5), generator=torch.Generator().manual_seed(0))


def test_the_released_order_draws_the_balanced_places_of_a_list_that_stands_by_clusters():
    """Slowly: what stands at a place of the list is another chunk than the one that was meant."""
    labels = several()
    meant = drawn_chunks(sampler(ChunkUniform, labels, 10), 5)
    standing = [chunk for cluster in range(10) for chunk in range(2000) if labels.flatten()[chunk] == cluster]
    assert drawn_chunks(sampler(Reordered, labels, 10), 5).tolist() == [standing[place] for place in meant]


def test_the_released_draw_is_the_raw_distribution_with_replacement():
    generator = torch.Generator().manual_seed(0)
    labels = torch.multinomial(2.0 ** -torch.arange(10), 50_000, True, generator=generator).view(10_000, 5)
    chunks = drawn_chunks(sampler(Reordered, labels, 10, batch_size=64), 5)
    share = torch.bincount(labels.flatten()[chunks]) / len(chunks)
    raw = torch.bincount(labels.flatten()) / labels.numel()
    # Ids are mixed over the list, so each cluster is met by its size; five deviations of a share at this size are .011,
    # three times that because a place drawn often counts often.
    assert (share - raw).abs().max() < 0.035
    assert 0.4 < len(chunks.unique()) / len(chunks) < 0.65
    assert torch.bincount(chunks).max() > 20


def test_the_effective_size_of_a_draw():
    labels = several()
    assert effective_size(Natural.weights(labels, 10)) == 2000
    assert effective_size(NaturalSentence.weights(labels, 10)) == 400
    skewed = torch.zeros(100, 10, dtype=torch.long)
    skewed[0] = 1
    # By hand: 990 chunks of weight 1/990 and ten of 1/10.
    assert effective_size(ChunkUniform.weights(skewed, 2)) == pytest.approx(4 / (1 / 990 + 1 / 10))
    assert effective_size(SentenceUniform.weights(skewed, 2)) == pytest.approx(4 / (99 * (10 / 990) ** 2 + 1))
    assert effective_size(Reordered.weights(skewed, 2)) == pytest.approx(
        effective_size(ChunkUniform.weights(skewed, 2))
    )
