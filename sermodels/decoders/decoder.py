"""What every decoder Φ⁻¹ is."""

from torch import nn


class Decoder(nn.Module):
    """A network from a chunk's features back to its spectrogram; a subclass takes the `encoder` it mirrors."""
