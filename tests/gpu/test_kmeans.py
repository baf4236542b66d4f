"""K-means on a GPU finds what it finds on the processor."""

import pytest
import torch

from callbacks.kmeans import faiss_kmeans, torch_kmeans

pytestmark = pytest.mark.gpu


def test_clusters_are_those_of_the_processor():
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(6, 16, generator=generator)
    points = centres[torch.arange(3000) % 6] + torch.randn(3000, 16, generator=generator)
    here, there = torch_kmeans(points, 6, 20, 3), torch_kmeans(points.cuda(), 6, 20, 3)
    # Sums in another order move a centroid by 1e-7 of its size, and with it the points that lie on a border: at most a
    # handful of 3,000 by the end of 20 iterations.
    assert (here.labels == there.labels).float().mean() > 0.995
    assert there.inertia == pytest.approx(here.inertia, rel=1e-3)


def test_faiss_stays_on_the_card_that_pytorch_uses():
    faiss = pytest.importorskip("faiss")
    if not hasattr(faiss, "StandardGpuResources"):
        pytest.skip("faiss-gpu is not installed")
    points = torch.randn(20_000, 32, generator=torch.Generator().manual_seed(0))
    others = [card for card in range(torch.cuda.device_count()) if card != torch.cuda.current_device()]
    before = [torch.cuda.mem_get_info(card)[0] for card in others]
    found = faiss_kmeans(points.cuda(), 10, 20, 3)
    assert [torch.cuda.mem_get_info(card)[0] for card in others] == before
    assert found.inertia == pytest.approx(torch_kmeans(points, 10, 20, 3).inertia, rel=0.02)  # of two random starts


def test_is_repeatable():
    points = torch.randn(20_000, 32, generator=torch.Generator().manual_seed(0)).cuda()
    first, again = (torch_kmeans(points, 10, 20, 3) for _ in range(2))
    assert torch.equal(first.labels, again.labels)
