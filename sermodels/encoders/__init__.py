"""Φ: from a chunk's spectrogram to its features; one encoder a file, and the blocks they are made of."""
