"""K-means on embeddings, with faiss or with torch, behind one signature.

Shapes: N points, D dimensions, Q clusters.
"""

import importlib.util
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from datamodules.errors import TrainingDiverged


@dataclass(frozen=True)
class Clustering:
    """What a k-means backend returns."""

    labels: Tensor
    """(N,) int64 in [0, Q); every cluster has a member."""
    inertia: float
    """Sum of squared distances to the nearest centroid."""
    reseeded: int
    """Clusters that were empty and were given half of the largest each."""
    largest: int
    """Points of the largest cluster before it gave any away."""


BLOCK = 65536  # points that are worked on at a time, which bounds what lies beside them
LONGEST_EMBEDDING = 1e15  # its square, times a million points, is far below the largest float32

KMeans = Callable[[Tensor, int, int, int], Clustering]


def chosen_backend(backend: str) -> str:
    """What `auto` means here: faiss where it is installed, else torch; any other name is itself."""
    if backend != "auto":
        return backend
    return "faiss" if importlib.util.find_spec("faiss") else "torch"


def make_kmeans(backend: str) -> KMeans:
    """`faiss` (its GPU build on the GPU that PyTorch uses), `torch`, or `auto`, see `chosen_backend`."""
    backend = chosen_backend(backend)
    if backend == "faiss":
        if not importlib.util.find_spec("faiss"):
            raise ValueError("backend faiss is not installed here; take auto or torch")
        return faiss_kmeans
    if backend == "torch":
        return torch_kmeans
    raise ValueError(f"backend is auto, faiss or torch, not {backend!r}")


def faiss_kmeans(points: Tensor, num_clusters: int, iterations: int, seed: int) -> Clustering:
    """Lloyd's algorithm by faiss from one random start, on all points (faiss would take 256 a cluster).

    points: (N, D) on any device. Raises as `_check` does.
    """
    _check(points, num_clusters)
    import faiss  # after torch: the other order has been seen to crash on loading two OpenMP runtimes

    array = points.detach().float().cpu().contiguous().numpy()
    # Its own gpu=True takes memory on every card there is; a training is to stay on the one that PyTorch gave it.
    on_gpu = torch.cuda.is_initialized() and hasattr(faiss, "StandardGpuResources")
    kmeans = faiss.Kmeans(
        array.shape[1],
        num_clusters,
        niter=iterations,
        nredo=1,
        seed=seed % 2**31,
        max_points_per_centroid=len(array),
        min_points_per_centroid=1,
    )
    if on_gpu:
        resources = faiss.StandardGpuResources()
        kmeans.index = faiss.index_cpu_to_gpu(resources, torch.cuda.current_device(), kmeans.index)
    kmeans.train(array)
    distances, labels = kmeans.index.search(array, 1)
    return _fill_empty(torch.from_numpy(labels[:, 0]), torch.from_numpy(distances[:, 0]), num_clusters)


def torch_kmeans(points: Tensor, num_clusters: int, iterations: int, seed: int) -> Clustering:
    """Lloyd's algorithm from one random start, in blocks of points, on the points' own device.

    points: (N, D). Raises as `_check` does.
    """
    _check(points, num_clusters)
    points = points.detach().float()
    generator = torch.Generator().manual_seed(seed)
    start = torch.randperm(len(points), generator=generator)[:num_clusters].to(points.device)
    centroids = points[start].clone()
    for _ in range(iterations):
        labels, distances = _assign(points, centroids)
        sizes = torch.bincount(labels, minlength=num_clusters)
        sums = _sums(points, labels, num_clusters)
        occupied = sizes > 0
        centroids[occupied] = sums[occupied] / sizes[occupied, None]
        empty = (~occupied).nonzero().flatten()
        centroids[empty] = points[distances.topk(len(empty)).indices]  # the points farthest from theirs
    labels, distances = _assign(points, centroids)
    return _fill_empty(labels.cpu(), distances.cpu(), num_clusters)


def _check(points: Tensor, num_clusters: int) -> None:
    """Raise ValueError where no clustering into Q non-empty clusters exists, TrainingDiverged for NaN."""
    if len(points) < num_clusters:
        raise ValueError(f"{len(points)} chunks cannot make {num_clusters} clusters; lower num_clusters")
    longest_of = [torch.linalg.vector_norm(part.detach().double(), dim=1).max() for part in points.split(BLOCK)]
    longest = float(torch.stack(longest_of).max())  # Python's own max may pass over NaN
    if not math.isfinite(longest):
        raise TrainingDiverged("embeddings hold NaN or infinity: the training has diverged; lower the learning rates.")
    # faiss ends the whole process where a distance overflows, and torch gives clusters that mean nothing.
    if longest > LONGEST_EMBEDDING:
        raise TrainingDiverged(
            f"embeddings are {longest:.0e} long, and their distances no numbers any more: the training has diverged; "
            "lower the learning rates."
        )


def _assign(points: Tensor, centroids: Tensor) -> tuple[Tensor, Tensor]:
    """Nearest centroid of every point and the squared distance to it."""
    labels, distances = [], []
    for part in points.split(BLOCK):
        squared = torch.cdist(part, centroids, compute_mode="donot_use_mm_for_euclid_dist").square()
        nearest = squared.min(1)
        labels.append(nearest.indices)
        distances.append(nearest.values)
    return torch.cat(labels), torch.cat(distances)


def _sums(points: Tensor, labels: Tensor, num_clusters: int) -> Tensor:
    """(Q, D) of every cluster's points; on a GPU as products, because adding by index there has no fixed order."""
    sums = points.new_zeros(num_clusters, points.shape[1])
    if not points.is_cuda:
        return sums.index_add_(0, labels, points)
    for part, ids in zip(points.split(BLOCK), labels.split(BLOCK), strict=True):
        sums += torch.nn.functional.one_hot(ids, num_clusters).to(part).T @ part
    return sums


def _fill_empty(labels: Tensor, distances: Tensor, num_clusters: int) -> Clustering:
    """Give every empty cluster half of what is the largest then: the points farthest from its centroid.

    A single point would be drawn again and again where every cluster gives a pass as many chunks.
    """
    sizes = torch.bincount(labels, minlength=num_clusters)
    largest = int(sizes.max())
    empties = (sizes == 0).nonzero().flatten().tolist()
    labels = labels.clone() if empties else labels
    for empty in empties:
        members = (labels == sizes.argmax()).nonzero().flatten()
        half = len(members) // 2
        farthest = members[distances[members].argsort(descending=True, stable=True)[:half]]
        sizes[sizes.argmax()] -= half
        sizes[empty] = half
        labels[farthest] = empty
    return Clustering(labels, float(distances.double().sum()), len(empties), largest)
