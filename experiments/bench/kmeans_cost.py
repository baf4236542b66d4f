"""What clustering costs here: Lloyd's algorithm on points like a set's embeddings, by each backend that there is.

Shapes: N points, D dimensions.
"""

import importlib.util
from collections.abc import Iterator, Sequence

import torch

from callbacks.kmeans import Clustering, make_kmeans
from experiments.bench.rows import Row
from experiments.bench.timing import best_of

DIMENSIONS = 256
BLOBS = 40
PEER = "scikit-learn"
ITERATIONS = 20
"""As conf/pseudo_labels has it."""


def kmeans_costs(sizes: Sequence[int], clusters: Sequence[int], repeats: int, device: torch.device) -> Iterator[Row]:
    """A row for every number of points, clusters and backend; each clusters the same points from one random start.

    sizes: N. faiss is given them on the CPU, from where its GPU build copies them itself.
    """
    backends = ("faiss", "torch", PEER) if importlib.util.find_spec("faiss") else ("torch", PEER)
    if device.type == "cuda":
        torch.cuda.init()  # faiss goes where PyTorch is
    for count in sizes:
        points = blobs(count)
        for num_clusters in clusters:
            for name in backends:
                given = points.to(device) if name == "torch" else points
                yield _of_one(name, given, num_clusters, repeats)


def _of_one(name: str, points: torch.Tensor, num_clusters: int, repeats: int) -> Row:
    kmeans = _peer if name == PEER else make_kmeans(name)
    found: list[Clustering] = []
    took = best_of(repeats, lambda: found.append(kmeans(points, num_clusters, ITERATIONS, 0)), points.device)
    return {
        "points": len(points),
        "clusters": num_clusters,
        "backend": f"{name} ({_place(name, points)})",
        "seconds": took.seconds,
        "GPU GB": took.device_gb,
        "inertia a point": found[-1].inertia / len(points),
    }


def _peer(points: torch.Tensor, num_clusters: int, iterations: int, seed: int) -> Clustering:
    """Lloyd's algorithm by scikit-learn from one random start, all iterations of it."""
    from sklearn.cluster import KMeans

    made = KMeans(num_clusters, init="random", n_init=1, max_iter=iterations, tol=0, random_state=seed)
    labels = made.fit_predict(points.numpy())
    found = torch.from_numpy(labels).long()
    return Clustering(found, float(made.inertia_), 0, int(found.bincount().max()))


def blobs(count: int) -> torch.Tensor:
    """(N, D) points around common centres that overlap, as embeddings of chunks do."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(BLOBS, DIMENSIONS, generator=generator)
    return centres[torch.randint(BLOBS, (count,), generator=generator)] + torch.randn(
        count, DIMENSIONS, generator=generator
    )


def _place(name: str, given: torch.Tensor) -> str:
    if name == "faiss":
        import faiss

        return "GPU" if hasattr(faiss, "StandardGpuResources") and torch.cuda.is_initialized() else "CPU"
    return "GPU" if given.is_cuda else "CPU"
