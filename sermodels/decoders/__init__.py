"""Φ⁻¹: from a chunk's features back to its spectrogram; one decoder a file."""
