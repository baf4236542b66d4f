"""What every temporal net Ψ offers, and the choice of having none.

Shapes: B sentences, C chunks, D features.
"""

from torch import Tensor, nn


class TemporalNet(nn.Module):
    """A network over the chunks of a sentence: `forward` is h (B, C, D) -> z (B, C, D).

    A subclass may take `num_features`, D, beside its own options.
    """

    needs_whole_sentences = True
    """Whether it must see all chunks of a sentence together and in order."""


class NoTemporalNet(TemporalNet):
    """z = h, every chunk by itself."""

    needs_whole_sentences = False

    def forward(self, h: Tensor) -> Tensor:
        """(B, C, D) -> the same."""
        return h
