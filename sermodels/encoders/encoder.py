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

    def traced(self, chunks: Tensor) -> tuple[Tensor, Any]:
        """h as the losses of a training step read it, and whatever else a regularizer of this encoder must know."""
        return self(chunks), None
