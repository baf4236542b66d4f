"""What every chunk encoder Φ offers.

Shapes: N chunks, T frames, F mel bins, D features.
"""

from typing import Any

from torch import Tensor, nn


class Encoder(nn.Module):
    """A network from a chunk's spectrogram to its features h: `forward` is (N, T, F) -> (N, D).

    A subclass takes `num_frames` and `num_mels`, the size of a chunk, beside its own options.
    """

    num_features: int
    """D."""

    cpu_bf16_fault = ""
    """Why this encoder comes out wrong in bf16 on a CPU, in words; empty if it does not."""

    def feature_map(self, chunks: Tensor) -> Tensor:
        """(N, T, F) -> (N, K, H, W), the last convolutional map; h as D maps of one place where there is none."""
        return self(chunks)[:, :, None, None]

    def traced(self, chunks: Tensor) -> tuple[Tensor, Any]:
        """h as the losses of a training step read it, and whatever else a regularizer of this encoder must know."""
        return self(chunks), None


def map_shape_of(encoder: Encoder) -> tuple[int, int, int]:
    """K, H and W of `feature_map`."""
    shape: tuple[int, int, int] = getattr(encoder, "map_shape", (encoder.num_features, 1, 1))
    return shape
