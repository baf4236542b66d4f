"""Losses beside those of the heads, on Φ's output; one a file."""
