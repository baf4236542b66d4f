import importlib.util

import pytest
import torch
from sklearn.cluster import KMeans

from callbacks.kmeans import chosen_backend, faiss_kmeans, make_kmeans, torch_kmeans
from datamodules.errors import TrainingDiverged

BACKENDS = [
    pytest.param(
        faiss_kmeans,
        id="faiss",
        marks=pytest.mark.skipif(not importlib.util.find_spec("faiss"), reason="faiss is not installed"),
    ),
    pytest.param(torch_kmeans, id="torch"),
]


def blobs(count=600, clusters=6, dimensions=16):
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(clusters, dimensions, generator=generator)
    return centres[torch.arange(count) % clusters] + torch.randn(count, dimensions, generator=generator)


def test_faiss_takes_the_one_card_that_pytorch_uses_and_none_where_it_uses_none(monkeypatch):
    faiss = pytest.importorskip("faiss")
    asked = []
    monkeypatch.setattr(faiss, "StandardGpuResources", object, raising=False)
    monkeypatch.setattr(faiss, "index_cpu_to_gpu", lambda _, card, index: asked.append(card) or index, raising=False)
    without = faiss_kmeans(blobs(), 6, 20, 0)
    assert asked == []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 3)
    assert torch.equal(faiss_kmeans(blobs(), 6, 20, 0).labels, without.labels)
    assert asked == [3]


@pytest.mark.parametrize("kmeans", BACKENDS)
def test_inertia_is_that_of_scikit_learn(kmeans):
    points = blobs()
    ours = [kmeans(points, 6, 20, seed).inertia for seed in range(10)]
    theirs = [
        KMeans(6, init="random", n_init=1, max_iter=20, random_state=seed).fit(points.numpy()).inertia_
        for seed in range(10)
    ]
    # Single random starts end in local optima; the best of ten on six overlapping blobs is the same optimum up
    # to points on a border, and the mean of ten is within the spread of such starts.
    assert min(ours) == pytest.approx(min(theirs), rel=0.005)
    assert sum(ours) == pytest.approx(sum(theirs), rel=0.05)


@pytest.mark.parametrize("kmeans", BACKENDS)
def test_result_is_consistent_and_repeatable(kmeans):
    points = blobs()
    first, again, other = kmeans(points, 6, 20, 3), kmeans(points, 6, 20, 3), kmeans(points, 6, 20, 4)
    assert torch.equal(first.labels, again.labels)
    assert not torch.equal(first.labels, other.labels)
    centroids = torch.stack([points[first.labels == q].mean(0) for q in range(6)])
    # After 20 iterations the centroids still move a little at most: distances to the mean of the members are
    # never larger than those to the centroid that attracted them.
    assert (points - centroids[first.labels]).square().sum().item() <= first.inertia * (1 + 1e-5)
    assert first.inertia == pytest.approx((points - centroids[first.labels]).square().sum().item(), rel=0.01)


@pytest.mark.parametrize("kmeans", BACKENDS)
def test_no_cluster_stays_empty(kmeans):
    for points in (torch.ones(50, 4), torch.cat([torch.zeros(48, 4), torch.eye(4)[:2]])):
        result = kmeans(points, 10, 20, 0)
        assert torch.bincount(result.labels, minlength=10).min() >= 1
        assert result.reseeded > 0
        assert result.inertia == pytest.approx(0, abs=1e-6)
        # Split in halves, none is left alone but those that are.
        assert torch.bincount(result.labels, minlength=10).sort().values[2:].min() > 1
    assert kmeans(blobs(), 6, 20, 0).reseeded == 0


@pytest.mark.parametrize("kmeans", BACKENDS)
def test_as_many_clusters_as_points(kmeans):
    assert sorted(kmeans(torch.randn(7, 3), 7, 5, 0).labels.tolist()) == list(range(7))


@pytest.mark.parametrize("kmeans", BACKENDS)
def test_what_cannot_be_clustered_is_refused(kmeans):
    with pytest.raises(ValueError, match="lower num_clusters"):
        kmeans(torch.randn(5, 3), 6, 20, 0)
    points = torch.randn(50, 3)
    points[7, 1] = torch.nan
    with pytest.raises(TrainingDiverged, match="lower the learning rates"):
        kmeans(points, 4, 20, 0)
    for length in (1e18, 1e25, 3e38):  # faiss would end the whole process
        with pytest.raises(TrainingDiverged, match=r"embeddings are \de\+\d\d long"):
            kmeans(torch.randn(50, 3).clamp(-1, 1) * length, 4, 20, 0)
    kmeans(torch.nn.functional.normalize(torch.randn(50, 3)) * 1e14, 4, 20, 0)


@pytest.mark.parametrize("kmeans", BACKENDS)
@pytest.mark.parametrize("row", [0, 99, 599])
@pytest.mark.parametrize("value", [torch.nan, torch.inf, 1e20])
def test_a_diverged_point_is_found_wherever_it_is(kmeans, row, value, monkeypatch):
    monkeypatch.setattr("callbacks.kmeans.BLOCK", 100)
    points = blobs()
    points[row, 3] = value
    with pytest.raises(TrainingDiverged, match="diverged"):
        kmeans(points, 6, 5, 0)


def test_the_size_of_blocks_decides_nothing(monkeypatch):
    whole = torch_kmeans(blobs(), 6, 10, 0)
    monkeypatch.setattr("callbacks.kmeans.BLOCK", 64)
    assert torch.equal(torch_kmeans(blobs(), 6, 10, 0).labels, whole.labels)


@pytest.mark.parametrize("kmeans", BACKENDS)
def test_all_points_count_not_a_subsample(kmeans):
    """faiss takes 256 points a cluster unless told otherwise: 2 clusters of a rare kind would vanish."""
    generator = torch.Generator().manual_seed(0)
    many = torch.randn(20_000, 2, generator=generator) * 0.01
    rare = torch.randn(10, 2, generator=generator) * 0.01 + 1000
    points = torch.cat([many, rare])
    best = min((kmeans(points, 2, 20, seed) for seed in range(3)), key=lambda c: c.inertia)
    assert sorted(torch.bincount(best.labels).tolist()) == [10, 20_000]


def test_backend_by_name():
    assert make_kmeans("torch") is torch_kmeans
    assert make_kmeans("auto") is {"faiss": faiss_kmeans, "torch": torch_kmeans}[chosen_backend("auto")]
    assert (chosen_backend("auto") == "faiss") is bool(importlib.util.find_spec("faiss"))
    assert chosen_backend("torch") == "torch"
    with pytest.raises(ValueError, match="auto, faiss or torch"):
        make_kmeans("sklearn")
