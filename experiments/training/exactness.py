"""What a GPU may not do of its own accord: round more than asked, or, where it can, add in another order every time."""

import os

import torch


def calculate_exactly(deterministic: bool = True) -> None:
    """fp32 means fp32 on a GPU; and, where `deterministic`, algorithms that add in one order where there are any.

    By default PyTorch lets convolutions round their inputs to TF32's 10 bits, and takes whatever algorithm is the
    fastest, some of which add in the order in which their threads happen to finish. What has no other algorithm, as
    the backward pass of attention, runs all the same, and PyTorch warns. On a processor nothing changes.
    """
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    # Read by cuBLAS when it is first used.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(deterministic and torch.cuda.is_available(), warn_only=True)
    # Every tensor of ours is written before it is read.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
